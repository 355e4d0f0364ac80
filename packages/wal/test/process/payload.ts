/** The payload of a record says where it belongs: epoch, a number, and filler that depends on both. */
export function payloadText(epoch: number, number: number): string {
  return `${epoch} ${number} ${'abcdefgh'.repeat((epoch * 31 + number * 7) % 40)}`;
}
