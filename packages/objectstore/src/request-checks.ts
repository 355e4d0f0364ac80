import { ObjectStoreError } from './errors.ts';
import type {
  ByteRange,
  GetOptions,
  ObjectMeta,
  PutOptions,
  ResolvedRange,
  StoreCapabilities,
} from './object-store.ts';

/** S3 takes 2,048; the store on it keeps 48 of them for itself. */
const MAX_METADATA_BYTES = 2_000;
const METADATA_NAME = /^[a-z0-9-]+$/;
/** Printable ASCII, no space at either end, so that any transport gives it back unchanged. */
const METADATA_VALUE = /^(?:[!-~](?:[ -~]*[!-~])?)?$/;
/** One etag: HTTP gives `*` (any version) and lists a meaning of their own, and `''` would ask for nothing at all. */
const ETAG = /^(?!\*$)[!-+\--~]+$/;

/**
 * Refuses options that the call does not know (a misspelt `ifAbsent` would replace an object silently), a signal that
 * is none, and a call whose signal has fired. Errors: `INVALID_ARGUMENT`, `ABORTED`.
 */
export function checkOptions(options: object | undefined, known: readonly string[]): void {
  if (options === undefined) return;
  checkNames(options, [...known, 'signal']);
  const { signal } = options as { signal?: unknown };
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw invalidArgument('signal is not an AbortSignal (of an AbortController, give its `signal`)', {});
  }
  throwIfAborted(signal);
}

/** Refuses options that are no object, and names that are not known. Errors: `INVALID_ARGUMENT`. */
export function checkNames(options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw invalidArgument('the options are not an object', { type: typeof options });
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw invalidArgument(`there is no option "${unknown}" here; known are ${known.join(', ')}`, {
    option: unknown,
  });
}

function checkEtag(option: string, etag: string | undefined): void {
  if (etag === undefined || (typeof etag === 'string' && ETAG.test(etag))) return;
  throw invalidArgument(`${option} is not the etag of a version`, { option });
}

/** Throws `ABORTED` with the signal's reason as cause if the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortedError(signal);
}

/** What a call that its signal ended rejects with. */
export function abortedError(signal: AbortSignal): ObjectStoreError {
  return new ObjectStoreError('ABORTED', 'the call was ended by its signal', { cause: signal.reason });
}

/** Checks the options of a put against each other and the store. Errors: `INVALID_ARGUMENT`, `NOT_SUPPORTED`, `ABORTED`. */
export function checkPutOptions(options: PutOptions | undefined, can: StoreCapabilities): void {
  checkOptions(options, ['ifAbsent', 'ifMatch', 'contentType', 'metadata']);
  if (options === undefined) return;
  const { ifAbsent, ifMatch, contentType, metadata } = options;
  if (ifAbsent !== undefined && typeof ifAbsent !== 'boolean') {
    throw invalidArgument('ifAbsent is not true or false', {});
  }
  if (ifAbsent && ifMatch !== undefined) {
    throw invalidArgument('ifAbsent and ifMatch exclude each other', {});
  }
  if (ifAbsent && !can.ifAbsent) throw notSupported('ifAbsent');
  if (ifMatch !== undefined && !can.ifMatch) throw notSupported('ifMatch');
  if (contentType !== undefined && !can.attributes) throw notSupported('contentType');
  if (metadata !== undefined && !can.attributes) throw notSupported('metadata');
  checkEtag('ifMatch', ifMatch);
  if (contentType !== undefined && (contentType === '' || !METADATA_VALUE.test(contentType))) {
    throw invalidArgument('contentType is not a media type such as application/json', {});
  }
  checkMetadata(metadata ?? {});
}

function checkMetadata(metadata: Readonly<Record<string, string>>): void {
  if (typeof metadata !== 'object' || Array.isArray(metadata)) {
    throw invalidArgument('metadata is not an object of names and values', {});
  }
  let sizeBytes = 0;
  for (const [name, value] of Object.entries(metadata)) {
    if (!METADATA_NAME.test(name)) {
      throw invalidArgument(`metadata name "${name}" is not of lower-case letters, digits and hyphens`, {});
    }
    if (typeof value !== 'string' || !METADATA_VALUE.test(value)) {
      throw invalidArgument(
        `the value of metadata "${name}" is not printable ASCII without spaces at its ends`,
        {},
      );
    }
    sizeBytes += name.length + value.length;
  }
  if (sizeBytes > MAX_METADATA_BYTES) {
    throw invalidArgument(`metadata of ${sizeBytes} bytes is more than ${MAX_METADATA_BYTES}`, { sizeBytes });
  }
}

/** Checks the options of a get before any I/O. Errors: `INVALID_ARGUMENT`, `INVALID_RANGE`, `ABORTED`. */
export function checkGetOptions(key: string, options: GetOptions | undefined): void {
  checkOptions(options, ['range', 'ifMatch', 'ifNoneMatch']);
  checkEtag('ifMatch', options?.ifMatch);
  checkEtag('ifNoneMatch', options?.ifNoneMatch);
  const range = options?.range;
  if (range === undefined) return;
  // A misspelt `endExclusive` would read the rest of the object.
  checkNames(range, ['start', 'endExclusive']);
  const { start, endExclusive = Number.MAX_SAFE_INTEGER } = range;
  const whole = Number.isSafeInteger(start) && Number.isSafeInteger(endExclusive);
  if (!whole || start < 0 || endExclusive < start) throw badRange(key, range, 'is not a range');
}

/** Checks the conditions of a get. Errors: `PRECONDITION_FAILED`, `NOT_MODIFIED`. */
export function checkConditions(meta: ObjectMeta, options: GetOptions | undefined): void {
  const { key, etag } = meta;
  if (options?.ifMatch !== undefined && options.ifMatch !== etag) {
    throw new ObjectStoreError('PRECONDITION_FAILED', `"${key}" is another version than ifMatch names`, {
      context: { key, etag, ifMatch: options.ifMatch },
    });
  }
  if (options?.ifNoneMatch !== undefined && options.ifNoneMatch === etag) {
    throw new ObjectStoreError('NOT_MODIFIED', `"${key}" still is the version that ifNoneMatch names`, {
      context: { key, etag },
    });
  }
}

/** Cuts a checked range to an object's size by the rules of `ByteRange`. Errors: `INVALID_RANGE`. */
export function resolveRange(key: string, range: ByteRange | undefined, sizeBytes: number): ResolvedRange {
  if (range === undefined) return { start: 0, endExclusive: sizeBytes };
  const { start, endExclusive } = range;
  const asksForBytes = endExclusive !== undefined && endExclusive > start;
  if (start > sizeBytes || (asksForBytes && start === sizeBytes)) {
    throw badRange(key, range, `starts behind the object's end at ${sizeBytes}`);
  }
  return { start, endExclusive: Math.min(endExclusive ?? sizeBytes, sizeBytes) };
}

/** Refuses what is no list of keys: of a text, each character would be deleted. Errors: `INVALID_ARGUMENT`. */
export function checkKeys(keys: readonly string[]): void {
  if (!Array.isArray(keys))
    throw invalidArgument('the keys to delete are not an array', { type: typeof keys });
}

/** `NOT_FOUND` for a key. */
export function notFound(key: string): ObjectStoreError {
  return new ObjectStoreError('NOT_FOUND', `there is no object "${key}"`, { context: { key } });
}

/** `ALREADY_EXISTS` for a key. */
export function alreadyExists(key: string): ObjectStoreError {
  return new ObjectStoreError('ALREADY_EXISTS', `there is an object "${key}" already`, { context: { key } });
}

/** `CLOSED` for a call made after `close`. */
export function closedError(): ObjectStoreError {
  return new ObjectStoreError('CLOSED', 'the store was closed');
}

/** `INVALID_ARGUMENT` with facts. */
export function invalidArgument(
  message: string,
  context: Readonly<Record<string, string | number | boolean>>,
): ObjectStoreError {
  return new ObjectStoreError('INVALID_ARGUMENT', message, { context });
}

function notSupported(option: string): ObjectStoreError {
  return new ObjectStoreError('NOT_SUPPORTED', `this store cannot put with ${option} (see capabilities)`, {
    context: { option },
  });
}

/** `INVALID_RANGE` for a range of a key. */
export function badRange(key: string, range: ByteRange, why: string): ObjectStoreError {
  const { start, endExclusive } = range;
  return new ObjectStoreError('INVALID_RANGE', `[${start}, ${endExclusive ?? 'end'}) of "${key}" ${why}`, {
    context: { key, start, ...(endExclusive !== undefined && { endExclusive }) },
  });
}
