import { getEventListeners } from 'node:events';
import { Readable } from 'node:stream';
import { setImmediate as tick } from 'node:timers/promises';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import type { PutBody } from './object-store.ts';
import { chunksOf, isBytes } from './put-body.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

async function all(body: PutBody, signal?: AbortSignal): Promise<string[]> {
  const chunks: string[] = [];
  for await (const chunk of chunksOf(body, signal)) chunks.push(new TextDecoder().decode(chunk));
  return chunks;
}

/** An iterator written by hand, whose `next` and `return` are the test's. */
function source(next: () => Promise<IteratorResult<Uint8Array>>, end?: () => unknown): PutBody {
  const iterator = { next, ...(end && { return: end as () => Promise<IteratorResult<Uint8Array>> }) };
  return { [Symbol.asyncIterator]: () => iterator };
}

const chunk = async () => ({ done: false as const, value: bytes('x') });

test('bytes of another realm are bytes', () => {
  expect(isBytes(runInNewContext('new Uint8Array(3)') as Uint8Array)).toBe(true);
  expect(isBytes(Buffer.from('x'))).toBe(true);
});

test('bytes are one chunk, and empty ones none', async () => {
  expect(await all(bytes('abc'))).toEqual(['abc']);
  expect(await all(new Uint8Array())).toEqual([]);
});

test('empty chunks are passed over', async () => {
  const body = (async function* () {
    for (const text of ['', 'a', '', '', 'b', '']) yield bytes(text);
  })();
  expect(await all(body)).toEqual(['a', 'b']);
});

test('chunks come one at a time: the source is not asked for more than was taken', async () => {
  let asked = 0;
  const chunks = chunksOf(
    source(async () => {
      asked += 1;
      return chunk();
    }),
    undefined,
  );
  await chunks.next();
  await tick();
  expect(asked).toBe(1);
  await chunks.return();
});

test('a source that is left is ended before the generator is', async () => {
  let ended = false;
  const body = source(chunk, async () => {
    await tick();
    ended = true;
  });
  for await (const _chunk of chunksOf(body, undefined)) break;
  expect(ended).toBe(true);
});

test('a source that cannot be ended, or fails at it, does not change the outcome', async () => {
  const wrong = async () => ({ done: false as const, value: 'text' as unknown as Uint8Array });
  for (const end of [
    undefined,
    () => undefined,
    () => {
      throw new Error('at once');
    },
    () => Promise.reject(new Error('later')),
  ]) {
    await expect(all(source(wrong, end))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  }
});

test('a source that fails when it is opened or asked, or later, is IO_ERROR with its error', async () => {
  const boom = new Error('broke');
  const failing: readonly PutBody[] = [
    {
      [Symbol.asyncIterator]: () => {
        throw boom;
      },
    },
    source(() => {
      throw boom;
    }),
    source(() => Promise.reject(boom)),
  ];
  for (const body of failing) {
    await expect(all(body)).rejects.toMatchObject({ code: 'IO_ERROR', cause: boom });
  }
});

test('a source that failed is not asked to end', async () => {
  let ended = false;
  const body = source(
    () => Promise.reject(new Error('broke')),
    () => {
      ended = true;
    },
  );
  await expect(all(body)).rejects.toMatchObject({ code: 'IO_ERROR' });
  expect(ended).toBe(false);
});

test('a signal ends the wait for a source that hangs, in next and in return', async () => {
  const controller = new AbortController();
  const reason = new Error('enough');
  const hangs = () => new Promise<never>(() => {});
  const call = all(source(hangs, hangs), controller.signal);
  await tick();
  controller.abort(reason);
  await expect(call).rejects.toMatchObject({ code: 'ABORTED', cause: reason });
  expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
});

test('a source that fails after the abort is heard by nobody, and the process goes on', async () => {
  const controller = new AbortController();
  const call = all(
    source(async () => {
      await tick();
      throw new Error('late');
    }),
    controller.signal,
  );
  controller.abort();
  await expect(call).rejects.toMatchObject({ code: 'ABORTED' });
  // An unhandled rejection would fail this run.
  await tick();
  await tick();
});

test('a source that fails of the same signal first is an abort', async () => {
  const controller = new AbortController();
  const body = source(async () => {
    controller.abort(new Error('enough'));
    throw new Error('of the signal');
  });
  await expect(all(body, controller.signal)).rejects.toMatchObject({
    code: 'ABORTED',
    cause: { message: 'enough' },
  });
});

test('a source that listens to the same signal before we do, and fails of it, is an abort', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const body = source(
    () => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('mine')))),
  );
  const call = all(body, signal);
  await tick();
  controller.abort(new Error('enough'));
  await expect(call).rejects.toMatchObject({ code: 'ABORTED', cause: { message: 'enough' } });
});

test('nothing listens to the signal between two chunks', async () => {
  const { signal } = new AbortController();
  const chunks = chunksOf(source(chunk), signal);
  for (let i = 0; i < 20; i += 1) {
    await chunks.next();
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  }
  await chunks.return();
});

test('a Node.js stream that was read to its end is refused, one that was not begun is not', async () => {
  const stream = Readable.from([bytes('x')], { objectMode: false });
  expect(isBytes(stream)).toBe(false);
  expect(await all(stream)).toEqual(['x']);
  expect(() => isBytes(stream)).toThrow(/was read already/);
  await expect(all(stream)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});

test('a Node.js stream that broke off before is a failure, not an empty object', async () => {
  const stream = Readable.from([bytes('x'), bytes('y')], { objectMode: false });
  for await (const _chunk of stream) break;
  await expect(all(stream)).rejects.toMatchObject({ code: 'IO_ERROR' });
});
