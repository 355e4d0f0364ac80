import type { Probe } from './probe.ts';

const AT_ONCE = 8;

/** Conditions that the store declares are kept, and what they refuse changes nothing. */
export async function conditionSteps(probe: Probe): Promise<void> {
  const { ifAbsent, ifMatch } = probe.store.capabilities;
  if (ifAbsent) {
    await refusesSecond(probe);
    await letsOneWin(probe);
  }
  if (ifMatch) await refusesStale(probe);
}

async function refusesSecond(probe: Probe): Promise<void> {
  const key = probe.key('put if absent');
  await probe.put(key, 'first', { ifAbsent: true });
  const again = await probe.refused('ALREADY_EXISTS', () => probe.put(key, 'second', { ifAbsent: true }));
  probe.expect(
    again === undefined,
    'if-absent',
    'it accepted a put with ifAbsent (If-None-Match: *) although there was an object',
  );
  probe.expect(
    (await probe.read(key)) === 'first',
    'if-absent',
    'it refused a put with ifAbsent, and replaced the object all the same',
  );
}

async function letsOneWin(probe: Probe): Promise<void> {
  const key = probe.key('put if absent at once');
  const puts = Array.from({ length: AT_ONCE }, (_, i) =>
    probe.refused('ALREADY_EXISTS', () => probe.put(key, `${i}`, { ifAbsent: true })),
  );
  // All have to be over before anything is removed.
  await Promise.allSettled(puts);
  const etags = await Promise.all(puts);
  const winners = etags.flatMap((etag, i) => (etag === undefined ? [] : [`${i}`]));
  probe.expect(
    winners.length === 1,
    'if-absent',
    `of ${AT_ONCE} simultaneous puts with ifAbsent it accepted ${winners.length}`,
  );
  probe.expect(
    (await probe.read(key)) === winners[0],
    'if-absent',
    'the body of a refused put with ifAbsent is there instead of the accepted one',
  );
}

async function refusesStale(probe: Probe): Promise<void> {
  const key = probe.key('put if match');
  const stale = await probe.put(key, 'first');
  await probe.put(key, 'second', { ifMatch: stale });
  const again = await probe.refused('PRECONDITION_FAILED', () => probe.put(key, 'third', { ifMatch: stale }));
  probe.expect(
    again === undefined,
    'if-match',
    'it accepted a put with ifMatch (If-Match) although another version was there',
  );
  probe.expect(
    (await probe.read(key)) === 'second',
    'if-match',
    'it refused a put with ifMatch, and replaced the object all the same',
  );
}
