const LONGEST = 300;

/**
 * Text of a server as it may be shown: without the secrets that were sent to it, in whatever encoding, and without
 * control characters. A server that says what is wrong sometimes says it by repeating what it was sent.
 */
export function redact(text: string, secrets: readonly string[]): string {
  let shown = text;
  for (const secret of secrets.flatMap(spellings).sort((a, b) => b.length - a.length)) {
    shown = shown.replaceAll(secret, '(secret)');
  }
  return shown.replace(/\p{Cc}+/gu, ' ').slice(0, LONGEST);
}

/** Literal, percent-encoded, form-encoded, in base64, and as a string of JSON. */
function spellings(secret: string): string[] {
  if (secret === '') return [];
  return [
    secret,
    encodeURIComponent(secret),
    new URLSearchParams({ '': secret }).toString().slice(1),
    Buffer.from(secret).toString('base64'),
    JSON.stringify(secret).slice(1, -1),
  ];
}
