import { IcebergError, JsonFields } from '@danube/iceberg';
import type { RestReply } from './rest-request.ts';

/** A part of a listing. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Undefined on the last page. */
  readonly next: string | undefined;
}

/** Reads a page: the objects or arrays under `key`, and the token of the next one. */
export function readPage<T>(
  { json }: RestReply,
  key: string,
  read: (fields: JsonFields) => readonly T[],
): Page<T> {
  const fields = new JsonFields(json ?? null, 'reply of a listing');
  return {
    items: fields.has(key) ? read(fields) : [],
    next: fields.optionalString('next-page-token') || undefined,
  };
}

/** Pages in a row that bring nothing new: some are empty where the server filters. */
const MAX_IDLE_PAGES = 1000;

/**
 * All pages of a listing, each item once: those that move to the next page meanwhile come again. The empty token of the
 * first request asks for pages; a server without pages ignores it and gives all at once.
 */
export async function allPages<T>(load: (pageToken: string) => Promise<Page<T>>): Promise<readonly T[]> {
  const items = new Map<string, T>();
  const tokens = new Set<string>();
  let idlePages = 0;
  let token: string | undefined = '';
  while (token !== undefined) {
    if (tokens.has(token) || idlePages === MAX_IDLE_PAGES) {
      throw new IcebergError(
        'INVALID_METADATA',
        'the pages of a listing have no end: they bring nothing new',
      );
    }
    tokens.add(token);
    const page: Page<T> = await load(token);
    const before = items.size;
    for (const item of page.items) items.set(JSON.stringify(item), item);
    idlePages = items.size > before ? 0 : idlePages + 1;
    token = page.next;
  }
  return [...items.values()];
}
