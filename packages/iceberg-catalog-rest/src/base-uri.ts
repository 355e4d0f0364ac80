import { invalidOption } from './option-checks.ts';

/** A base URI without the slashes at its end. Errors: `INVALID_ARGUMENT`, which does not show it. */
export function checkedBaseUri(text: string): string {
  const uri = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined;
  const hasNothingElse =
    uri !== undefined && [uri.username, uri.password, uri.search, uri.hash].join('') === '';
  if (uri !== undefined && hasNothingElse && /^https?:$/.test(uri.protocol))
    return uri.href.replace(/\/+$/, '');
  // Not shown: it may be refused for the password in it.
  throw invalidOption('REST catalog', 'uri', 'an http: or https: URI without user name, query and fragment');
}

/** A path without slashes around it; undefined for text that would end the path of a URL, or lead out of it. */
export function pathPrefix(text: string): string | undefined {
  const path = text.replace(/^\/+|\/+$/g, '');
  const isPath = !/[?#\\\p{Cc}]/u.test(path) && !path.split('/').some(isDotSegment);
  return isPath ? path : undefined;
}

/** Whether URLs read it as "here" or "up": they do so however it is encoded. */
export function isDotSegment(segment: string): boolean {
  return /^(\.|%2e){1,2}$/i.test(segment);
}
