/** Limits of a multipart upload on S3, https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html. */
export const MAX_PARTS = 10_000;
const MAX_PART_BYTES = 5 * 1024 ** 3;

/** How many parts of an upload of unknown size have the same size, before the next ones are twice as large. */
const PARTS_OF_A_SIZE = 900;

/**
 * The size of all parts but the last for a body whose size is known: the wanted one, or as much more as it takes for
 * 10,000 parts to suffice. Whole MiB, so that parts start at round offsets.
 */
export function partSizeFor(sizeBytes: number, partSizeBytes: number): number {
  if (sizeBytes <= partSizeBytes * MAX_PARTS) return partSizeBytes;
  const mib = 1024 ** 2;
  return Math.ceil(sizeBytes / MAX_PARTS / mib) * mib;
}

/**
 * The size of part `number` (from 1) of a body whose size is not known. It doubles every 900 parts, so that even parts
 * of 5 MiB make 5 TiB out of 10,000; parts of 8 MiB stay so up to 7 GiB, are 128 MiB at 105 GiB and 1 GiB at 890 GiB.
 */
export function partSizeOf(number: number, partSizeBytes: number): number {
  const doublings = Math.floor((number - 1) / PARTS_OF_A_SIZE);
  return Math.min(partSizeBytes * 2 ** doublings, MAX_PART_BYTES);
}
