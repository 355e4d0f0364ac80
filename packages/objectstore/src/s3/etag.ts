/**
 * An etag as this package gives it: without the quotes of HTTP, which some servers leave out in some of their answers,
 * so that put, head and list say the same of one version.
 */
export function parseEtag(header: string): string {
  return /^"(.*)"$/s.exec(header)?.[1] ?? header;
}

/** An etag as a condition of a request. One that has quotes of its own (`W/"x"`) is left as it is. */
export function formatEtag(etag: string): string {
  return etag.includes('"') ? etag : `"${etag}"`;
}
