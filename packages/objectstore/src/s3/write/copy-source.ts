/** An object as the source of a copy: a path of a header, so everything but its slashes is percent-encoded. */
export function copySourceOf(bucket: string, key: string): string {
  return `${bucket}/${key.split('/').map(encodeURIComponent).join('/')}`;
}
