import { create } from '@bufbuild/protobuf';
import { pause } from '@danube/resilience';
import { status } from '@grpc/grpc-js';
import type { Location } from './broker-directory.ts';
import { CallFailure } from './error-mapping.ts';
import type { HealthCheckRequest_ClientType } from './gen/danube_pb.ts';
import { HealthCheckRequestSchema, HealthCheckResponse_ClientStatus } from './gen/danube_pb.ts';
import { healthCheckService } from './services.ts';

export interface HealthCheckInit {
  readonly location: Location;
  readonly client: HealthCheckRequest_ClientType;
  readonly id: bigint;
  readonly intervalMs: number;
  /** Ends the checks. */
  readonly signal: AbortSignal;
  /** Called once, when the producer or consumer has to be registered anew. */
  readonly onLost: (reason: string) => void;
}

/**
 * Asks the broker at each interval whether the registration still stands, until `signal` fires or it does not.
 *
 * Lost: the answer CLOSE, NOT_FOUND (the broker restarted and does not know the id), or two checks in a row without
 * an answer, which is how a connection that died silently is noticed. A broker without this service is not asked
 * again.
 */
export async function watchHealth(init: HealthCheckInit): Promise<void> {
  const { location, signal } = init;
  let requestId = 0n;
  let silent = 0;
  while (!signal.aborted) {
    try {
      requestId += 1n;
      const answer = await location.connection.unary(
        healthCheckService.healthCheck,
        create(HealthCheckRequestSchema, { requestId, client: init.client, id: init.id }),
        location.route,
        { timeoutMs: init.intervalMs, signal },
      );
      silent = 0;
      if (answer.status === HealthCheckResponse_ClientStatus.CLOSE)
        return init.onLost('the broker said CLOSE');
    } catch (error) {
      if (signal.aborted || !(error instanceof CallFailure)) return;
      if (error.status === status.UNIMPLEMENTED) return;
      if (error.status === status.NOT_FOUND) return init.onLost('the broker does not know the registration');
      silent += 1;
      if (silent >= 2) return init.onLost(`two health checks failed, the last with ${error.message}`);
    }
    await pause(init.intervalMs, signal, { keepAlive: false });
  }
}
