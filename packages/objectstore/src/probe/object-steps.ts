import type { Probe } from './probe.ts';

/** What was put is there, whole and in part, with what was said of it, under its key and no other. */
export async function objectSteps(probe: Probe): Promise<void> {
  const { store, call } = probe;
  const { attributes } = store.capabilities;
  const key = probe.key('an object');
  const said = attributes ? { contentType: 'text/x-check', metadata: { check: 'yes' } } : {};
  probe.expect((await probe.read(key)) === undefined, 'read-your-write', 'it reads an object nobody has put');
  await probe.put(key, 'an older text', said);
  const etag = await probe.put(key, '0123456789', said);
  probe.expect(
    (await probe.read(key)) === '0123456789',
    'read-your-write',
    'a read after a put does not give what was put',
  );
  const head = await store.head(key, call);
  probe.expect(
    head.sizeBytes === 10 && head.etag === etag,
    'read-your-write',
    'head after a put tells of another version than was put',
  );
  if (attributes) {
    const kept = head.contentType === 'text/x-check' && head.metadata?.['check'] === 'yes';
    probe.expect(kept, 'attributes', 'content type or metadata are not given back');
  }
  const part = await store.get(key, { ...call, range: { start: 2, endExclusive: 5 } });
  probe.expect(
    new TextDecoder().decode(part.bytes) === '234',
    'ranges',
    'a read of a range does not give its bytes',
  );
  const literal = probe.key('percent %2F plus+');
  await probe.put(literal, 'literal');
  const listed = await probe.listed();
  probe.expect(
    listed.length === 2 && listed[0] === key && listed[1] === literal,
    'listing',
    'a listing after a put does not show what was put, under its keys and in their order',
  );
}
