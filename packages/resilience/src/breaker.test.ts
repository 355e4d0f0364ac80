import { expect, test } from 'vitest';
import { type BreakerChange, createBreaker, type Permit, type Verdict } from './breaker.ts';
import { type BreakerSettings, resolveBreakerSettings } from './breaker-settings.ts';

const fault: Verdict = { kind: 'fault', error: 'no answer' };
const healthy: Verdict = { kind: 'healthy' };
const unknown: Verdict = { kind: 'unknown' };

/** A breaker with a clock of its own and a record of its changes. */
function setUp(
  settings: BreakerSettings = { opensAfter: { kind: 'consecutive', failures: 2 }, halfOpenAfterMs: 100 },
) {
  const clock = { ms: 1000 };
  const changes: BreakerChange[] = [];
  const breaker = createBreaker(
    resolveBreakerSettings(settings),
    () => clock.ms,
    (change) => changes.push(change),
  );
  const tell = (...verdicts: Verdict[]) => {
    for (const verdict of verdicts) (breaker.admit() as Permit).settle(verdict);
  };
  return { clock, changes, breaker, tell };
}

test('so many failures in a row open it, and it refuses until its time is over', () => {
  const { clock, changes, breaker, tell } = setUp();
  tell(fault);
  expect(breaker.state).toBe('closed');
  tell(fault);
  expect(breaker.state).toBe('open');
  expect(changes).toEqual([{ state: 'open', halfOpenAfterMs: 100, error: 'no answer' }]);
  clock.ms += 60;
  expect(breaker.refusedForMs()).toBe(40);
  expect(breaker.admit()).toBeUndefined();
  clock.ms += 40;
  expect(breaker.refusedForMs()).toBeUndefined();
});

test('an answer in between starts the count anew, an attempt that taught nothing does not', () => {
  const { breaker, tell } = setUp();
  tell(fault, healthy, fault);
  expect(breaker.state).toBe('closed');
  tell(unknown, fault);
  expect(breaker.state).toBe('open');
});

test('half-open lets exactly one attempt through; its answer closes the breaker', () => {
  const { clock, changes, breaker, tell } = setUp();
  tell(fault, fault);
  clock.ms += 100;
  const probe = breaker.admit();
  expect(breaker.state).toBe('half-open');
  expect([breaker.admit(), breaker.admit(), breaker.refusedForMs()]).toEqual([undefined, undefined, 0]);
  probe?.settle(healthy);
  expect(breaker.state).toBe('closed');
  expect(changes.map(({ state }) => state)).toEqual(['open', 'half-open', 'closed']);
  tell(fault);
  expect(breaker.state).toBe('closed');
});

test('a failed probe opens the breaker for the full time again', () => {
  const { clock, breaker, tell } = setUp();
  tell(fault, fault);
  clock.ms += 150;
  breaker.admit()?.settle(fault);
  expect([breaker.state, breaker.refusedForMs()]).toEqual(['open', 100]);
});

test('a probe that taught nothing neither closes the breaker nor blocks it: the next attempt is a probe', () => {
  const { clock, changes, breaker, tell } = setUp();
  tell(fault, fault);
  clock.ms += 100;
  breaker.admit()?.settle(unknown);
  expect(breaker.state).toBe('open');
  expect(changes.at(-1)).toEqual({ state: 'open', halfOpenAfterMs: 0, error: undefined });
  const probe = breaker.admit();
  expect([breaker.state, breaker.admit()]).toEqual(['half-open', undefined]);
  probe?.settle(healthy);
  expect(breaker.state).toBe('closed');
});

test('what began before a change of state is not listened to after it', () => {
  const { clock, breaker, tell } = setUp({
    opensAfter: { kind: 'consecutive', failures: 1 },
    halfOpenAfterMs: 100,
  });
  const [whenOpen, whenHalfOpen, whenClosed] = [breaker.admit(), breaker.admit(), breaker.admit()];
  tell(fault);
  clock.ms += 60;
  whenOpen?.settle(fault);
  expect(breaker.refusedForMs()).toBe(40);
  clock.ms += 40;
  const probe = breaker.admit();
  whenHalfOpen?.settle(fault);
  expect(breaker.state).toBe('half-open');
  probe?.settle(healthy);
  whenClosed?.settle(fault);
  expect(breaker.state).toBe('closed');
});

test('a permit counts once', () => {
  const { breaker } = setUp();
  const permit = breaker.admit();
  permit?.settle(fault);
  permit?.settle(fault);
  expect(breaker.state).toBe('closed');
});

test('by ratio it opens when more than the ratio of the last attempts failed, once there were so many', () => {
  const { breaker, tell } = setUp({ opensAfter: { kind: 'ratio', failureRatio: 0.5, attempts: 4 } });
  tell(fault, fault, fault);
  expect(breaker.state).toBe('closed');
  tell(healthy);
  expect(breaker.state).toBe('closed');
  tell(healthy, healthy, fault, fault);
  expect(breaker.state).toBe('closed');
  tell(fault);
  expect(breaker.state).toBe('open');
});

test('after it has closed again, failures from before do not count towards the ratio', () => {
  const opensAfter = { kind: 'ratio', failureRatio: 0.5, attempts: 4 } as const;
  const { clock, breaker, tell } = setUp({ opensAfter, halfOpenAfterMs: 100 });
  tell(fault, fault, fault, fault);
  expect(breaker.state).toBe('open');
  clock.ms += 100;
  tell(healthy, fault, fault);
  expect(breaker.state).toBe('closed');
});

test.each([
  [{ halfOpenAfterMs: 0 }, 'breaker.halfOpenAfterMs must be'],
  [{ opensAfter: { kind: 'consecutive', failures: 0 } }, 'breaker.opensAfter.failures must be'],
  [{ opensAfter: { kind: 'ratio', failureRatio: 1, attempts: 4 } }, 'failureRatio must be'],
  [{ opensAfter: { kind: 'ratio', failureRatio: 0.5, attempts: 0.5 } }, 'attempts must be'],
  [
    { opensAfter: { kind: 'ratio', failureRatio: 0.5, attempts: 4, failures: 1 } },
    'has no option "failures"',
  ],
  [{ opensAfter: { kind: 'never' } }, 'kind is consecutive or ratio'],
  [{ threshold: 1 }, 'has no option "threshold"'],
])('the settings %o are refused', (settings, message) => {
  expect(() => resolveBreakerSettings(settings as BreakerSettings)).toThrow(message);
});
