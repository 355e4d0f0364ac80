import type { CallPolicy } from './call.ts';
import { EndpointPolicy } from './endpoint-policy.ts';
import { type CallPolicyOptions, resolveCallPolicyOptions } from './options.ts';

/** Creates the policy of one endpoint. Throws `INVALID_ARGUMENT`. Holds no timer while no call is under way. */
export function createCallPolicy(options: CallPolicyOptions): CallPolicy {
  return new EndpointPolicy(resolveCallPolicyOptions(options));
}
