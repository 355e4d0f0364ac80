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

/**
 * All pages of a listing. The empty token of the first request asks for pages; a server without pages ignores it and
 * gives all at once.
 */
export async function allPages<T>(load: (pageToken: string) => Promise<Page<T>>): Promise<readonly T[]> {
  const items: T[] = [];
  const seen = new Set<string>();
  let token: string | undefined = '';
  while (token !== undefined) {
    if (seen.has(token)) {
      throw new IcebergError(
        'INVALID_METADATA',
        'the server gives the same page of a listing again and again',
      );
    }
    seen.add(token);
    const page: Page<T> = await load(token);
    for (const item of page.items) items.push(item);
    token = page.next;
  }
  return items;
}
