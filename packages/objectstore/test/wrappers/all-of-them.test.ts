import { withLimits, withMetrics, withPrefix } from '../../src/index.ts';
import { withFaults } from '../../src/testing.ts';
import { conformanceOverLocal } from './support.ts';

// Each wrapper alone runs over the memory store; all of them around one local store, whose syncs take long.
conformanceOverLocal((store) => {
  const late = withFaults(store, { seed: 1, rules: [{ fault: 'delay', maxDelayMs: 2, probability: 0.02 }] });
  const limited = withLimits(late, { maxConcurrent: 20, requestsPerSecond: 1e6, burst: 500 });
  return withMetrics(withPrefix(limited, 'warehouse'), { onCall: () => {} });
});
