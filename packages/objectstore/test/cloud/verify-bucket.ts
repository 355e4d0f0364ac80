import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  checkObjectStore,
  createObjectStoreFactory,
  type ObjectStore,
  type ObjectStoreConfig,
  ObjectStoreError,
  openS3ObjectStore,
  type S3ObjectStoreOptions,
} from '../../src/index.ts';
import { objectStoreConformance } from '../../src/testing.ts';
import type { CloudArguments } from './cloud-arguments.ts';

const MIB = 1024 * 1024;
/** The smallest parts that S3 takes, so that large bodies go up in two. */
const parts = { partSizeBytes: 5 * MIB, multipartThresholdBytes: 5 * MIB } as const;
const MULTIPART_BYTES = 5 * MIB + 1;

/** Verifies a bucket and tidies up. Resolves with whether everything is as promised; it has been said what is not. */
export async function verifyBucket(
  args: CloudArguments,
  interruption: AbortSignal,
  say: (line: string) => void,
): Promise<boolean> {
  const { bucket, region, endpoint, pathStyle } = args;
  const factory = createObjectStoreFactory({ s3: { region, endpoint, pathStyle, ...parts } });
  const own = `${args.prefix ? `${args.prefix.replace(/\/$/, '')}/` : ''}danube-verify-${randomUUID()}`;
  const below = (name: string): ObjectStoreConfig => ({ type: 's3', bucket, prefix: `${own}/${name}` });
  say(`Verifying s3://${bucket}/${own}/ ${endpoint ? `on ${endpoint}` : 'on AWS'}`);
  const keys = new PutKeys();
  let kept = false;
  try {
    const store = await factory.open(below('check'));
    await checkObjectStore(store, { signal: interruption });
    say('ok    the store does what it declares (checkObjectStore)');
    kept = await runCases(
      async (name) => keys.noting(await factory.open(below(name)), name),
      args,
      interruption,
      say,
    );
  } catch (error) {
    if (!interruption.aborted) say(explained(error));
  }
  try {
    await removeAll(await factory.open({ type: 's3', bucket, prefix: own }), keys);
    await removeUploads({ bucket, region, endpoint, pathStyle }, `${own}/`);
  } catch (error) {
    // Where nothing can be read nothing was put, which has been said.
    if (kept || interruption.aborted || !isRefusal(error)) {
      say(
        `What is below s3://${bucket}/${own}/ could not be removed. Remove it yourself. ${explained(error)}`,
      );
    }
    kept = false;
  }
  await factory.close();
  return kept;
}

/** Of one length, so that the longest key is equally long in all cases. */
const caseName = (place: number) => `case-${String(place).padStart(4, '0')}`;

async function runCases(
  open: (name: string) => Promise<ObjectStore>,
  { words, serverKeepsPaths }: CloudArguments,
  interruption: AbortSignal,
  say: (line: string) => void,
): Promise<boolean> {
  const { capabilities } = await open(caseName(0));
  const all = objectStoreConformance(capabilities, { multipartBytes: MULTIPART_BYTES, serverKeepsPaths });
  const chosen = all.filter(({ name }) => words.every((word) => name.includes(word)));
  let failed = 0;
  let ran = 0;
  for (const { name, run } of chosen) {
    if (interruption.aborted) break;
    const store = await open(caseName(ran));
    const close = () => void store.close();
    interruption.addEventListener('abort', close);
    try {
      await run(store);
      say(`ok    ${name}`);
    } catch (error) {
      if (interruption.aborted) break;
      failed += 1;
      say(`FAIL  ${name}: ${(error as Error).message.split('\n')[0]}`);
    } finally {
      interruption.removeEventListener('abort', close);
    }
    ran += 1;
  }
  if (interruption.aborted) say(`Interrupted after ${ran} of ${chosen.length} promises, ${failed} not kept.`);
  else if (chosen.length === 0) say(`No promise has ${words.join(' and ')} in its name.`);
  else if (failed > 0) say(`${failed} of ${ran} promises not kept.`);
  else say(`All ${ran} promises kept.`);
  return failed === 0 && ran > 0 && !interruption.aborted;
}

/** Everything that was ever put, so that it is removed also where the listing does not show it under its key. */
class PutKeys {
  readonly #keys = new Set<string>();

  /** The store, with its keys noted before they can exist. `prefix` is its place in the one that tidies up. */
  noting(store: ObjectStore, prefix: string): ObjectStore {
    return {
      capabilities: store.capabilities,
      put: async (key, body, options) => {
        this.#keys.add(`${prefix}/${key}`);
        return store.put(key, body, options);
      },
      copy: async (from, to, options) => {
        this.#keys.add(`${prefix}/${to}`);
        return store.copy(from, to, options);
      },
      get: (key, options) => store.get(key, options),
      getStream: (key, options) => store.getStream(key, options),
      head: (key, options) => store.head(key, options),
      list: (below, options) => store.list(below, options),
      delete: (key, options) => store.delete(key, options),
      deleteMany: (keys, options) => store.deleteMany(keys, options),
      close: () => store.close(),
    };
  }

  /** Removes all of them. What is no key was never put, and its refusal is no failure. */
  async remove(store: ObjectStore): Promise<void> {
    const failures = await store.deleteMany([...this.#keys]);
    const failure = failures.find(({ error }) => error.code !== 'INVALID_PATH');
    if (failure !== undefined) throw failure.error;
  }
}

/** A put that its case gave up on may still arrive: looks until none has for a second, and no more than so often. */
const MAX_LOOKS = 10;

async function removeAll(store: ObjectStore, keys: PutKeys): Promise<void> {
  let emptyLooks = 0;
  for (let looks = 0; emptyLooks < 2; looks += 1) {
    if (looks === MAX_LOOKS) throw new ObjectStoreError('IO_ERROR', 'it is still listed after its deletion');
    await keys.remove(store);
    emptyLooks = (await removeListed(store)) === 0 ? emptyLooks + 1 : 0;
    if (emptyLooks < 2) await sleep(1000);
  }
}

/** What an interruption may have left of uploads in parts: no listing shows it, and it costs storage. */
async function removeUploads(where: S3ObjectStoreOptions, prefix: string): Promise<void> {
  const store = await openS3ObjectStore(where);
  try {
    await store.removeStaleUploads({ prefix, olderThanMs: 0 });
  } finally {
    await store.close();
  }
}

async function removeListed(store: ObjectStore): Promise<number> {
  let removed = 0;
  for await (const { objects } of store.list('')) {
    const [failure] = await store.deleteMany(objects.map(({ key }) => key));
    if (failure !== undefined) throw failure.error;
    removed += objects.length;
  }
  return removed;
}

function isRefusal(error: unknown): boolean {
  const codes = [
    'UNAUTHENTICATED',
    'PERMISSION_DENIED',
    'BUCKET_NOT_FOUND',
    'NOT_SUPPORTED',
    'INVALID_ARGUMENT',
  ];
  return ObjectStoreError.is(error) && codes.includes(error.code);
}

function explained(error: unknown): string {
  if (!ObjectStoreError.is(error)) return String(error);
  const hint =
    error.code === 'UNAUTHENTICATED'
      ? ' (Credentials are those that the AWS SDK finds: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, ~/.aws …)'
      : '';
  return `${error.message}${hint}`;
}
