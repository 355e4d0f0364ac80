/** What a record holds: the number of the append, its place in it, and filler that depends on both. */
export function payloadText(number: number, index: number, bytes: number): string {
  const head = `${number} ${index} ${bytes} `;
  return head + `${number}.${index};`.repeat(bytes).slice(0, bytes - head.length);
}
