import assert from 'node:assert/strict';
import type { ObjectStore } from '../object-store.ts';
import { readers } from './bodies.ts';
import type { ConformanceCase } from './conformance-case.ts';

const SIZE_BYTES = 100_000;
const VERSIONS = 18;

/** A version whose size and bytes all follow from one number. */
function version(fill: number): Uint8Array {
  return new Uint8Array(SIZE_BYTES + fill).fill(fill);
}

function assertOneVersion(body: Uint8Array): void {
  const fill = body[0] ?? 0;
  assert.equal(body.byteLength, SIZE_BYTES + fill, 'the size of that version');
  assert.ok(
    body.every((byte) => byte === fill),
    'all bytes of that version',
  );
}

/** Replaces an object again and again while others do something, over and over. */
async function whileReplacing(store: ObjectStore, key: string, others: readonly (() => Promise<void>)[]) {
  await store.put(key, version(1));
  let writing = true;
  const writer = async () => {
    try {
      for (let fill = 2; fill < VERSIONS; fill += 1) await store.put(key, version(fill));
    } finally {
      writing = false;
    }
  };
  const repeat = async (other: () => Promise<void>) => {
    while (writing) await other();
  };
  await Promise.all([writer(), ...others.map(repeat)]);
}

/** What happens to one object while it is replaced. */
export const replacingCases: readonly ConformanceCase[] = [
  ...readers.map(
    ({ name, read }): ConformanceCase => ({
      name: `${name} during replacing puts sees one whole version`,
      async run(store) {
        const reader = async () => {
          const { bytes: body, meta, range } = await read(store, 'k');
          assertOneVersion(body);
          assert.equal(meta.sizeBytes, body.byteLength);
          assert.equal(range.endExclusive, body.byteLength);
        };
        await whileReplacing(store, 'k', [reader, reader]);
      },
    }),
  ),
  {
    name: 'copy during replacing puts copies one whole version',
    async run(store) {
      const copier = (to: string) => async () => {
        const { sizeBytes } = await store.copy('k', to);
        const { bytes: body } = await store.get(to);
        assertOneVersion(body);
        assert.equal(body.byteLength, sizeBytes);
      };
      await whileReplacing(store, 'k', [copier('copy-1'), copier('copy-2')]);
    },
  },
  {
    name: 'of simultaneous replacing puts one is there in the end, whole',
    async run(store) {
      const puts = Array.from({ length: 12 }, (_, i) => store.put('k', version(i + 1)));
      const etags = (await Promise.all(puts)).map(({ etag }) => etag);
      const { bytes: body, meta } = await store.get('k');
      assertOneVersion(body);
      assert.equal(etags[(body[0] ?? 0) - 1], meta.etag);
    },
  },
];
