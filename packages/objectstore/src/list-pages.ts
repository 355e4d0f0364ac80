import { compareKeys, parsePrefix } from './key.ts';
import type { ListOptions, ListPage, ObjectMeta } from './object-store.ts';
import { checkOptions, invalidArgument, throwIfAborted } from './request-checks.ts';

const MAX_PAGE = 1000;

/** One entry of a listing: an object by its key, or a group of keys by their common prefix. */
export interface ListEntry {
  /** The key, or the common prefix with its slash. */
  readonly name: string;
  /** Absent for a group. */
  readonly object?: ObjectMeta;
}

/** Where in the order of keys a page starts. */
export interface ListStart {
  readonly bound: string;
  /** Whether the bound itself is part of the page. */
  readonly inclusive: boolean;
}

/** A listing as it was asked for, checked. */
export interface ListRequest {
  readonly prefix: string;
  readonly delimiter: boolean;
  readonly startAfter: string | undefined;
  readonly pageSize: number;
}

/** Checks what `list` was called with. Errors: `INVALID_PATH`, `INVALID_ARGUMENT`, `ABORTED`. */
export function parseListRequest(prefix: string, options: ListOptions | undefined): ListRequest {
  checkOptions(options, ['delimiter', 'startAfter', 'pageSize']);
  parsePrefix(prefix);
  const { delimiter, startAfter, pageSize = MAX_PAGE } = options ?? {};
  if (startAfter !== undefined) parsePrefix(startAfter);
  if (delimiter !== undefined && delimiter !== '/') {
    throw invalidArgument('the only delimiter is "/"', { delimiter: String(delimiter) });
  }
  if (!Number.isInteger(pageSize) || pageSize < 1 || pageSize > MAX_PAGE) {
    throw invalidArgument(`pageSize ${pageSize} is not a whole number from 1 to ${MAX_PAGE}`, { pageSize });
  }
  return { prefix, delimiter: delimiter === '/', startAfter, pageSize };
}

/**
 * The pages of a listing, for a store that can give entries in order from any start: `read` gives the first `most`
 * entries from there on. It is asked for one more than a page holds, which only says whether there are more.
 */
export async function* pagesOf(
  request: ListRequest,
  signal: AbortSignal | undefined,
  read: (start: ListStart | undefined, most: number) => Promise<readonly ListEntry[]>,
): AsyncGenerator<ListPage, void, void> {
  const { startAfter, pageSize } = request;
  let start: ListStart | undefined =
    startAfter === undefined ? undefined : { bound: startAfter, inclusive: false };
  for (;;) {
    throwIfAborted(signal);
    const found = await read(start, pageSize + 1);
    const shown = found.slice(0, pageSize);
    const last = shown.at(-1);
    if (last === undefined) return;
    yield toPage(shown);
    if (found.length <= pageSize) return;
    start = behind(last);
  }
}

/** Whether a key belongs to a listing that starts there. */
export function isFrom(key: string, start: ListStart | undefined): boolean {
  if (start === undefined) return true;
  const order = compareKeys(key, start.bound);
  return order > 0 || (order === 0 && start.inclusive);
}

/** The group of a key: the text up to and including the first slash behind the prefix; `undefined` if there is none. */
export function groupOf(key: string, prefix: string): string | undefined {
  const slash = key.indexOf('/', prefix.length);
  return slash === -1 ? undefined : key.slice(0, slash + 1);
}

function toPage(entries: readonly ListEntry[]): ListPage {
  return {
    objects: entries.flatMap(({ object }) => (object === undefined ? [] : [object])),
    commonPrefixes: entries.flatMap(({ name, object }) => (object === undefined ? [name] : [])),
  };
}

/** What follows an entry. Every key of the group `a/` is below `a0`, for `0` is the character behind the slash. */
function behind({ name, object }: ListEntry): ListStart {
  return object === undefined
    ? { bound: `${name.slice(0, -1)}0`, inclusive: true }
    : { bound: name, inclusive: false };
}
