import { parseTransform } from '../metadata/transform.ts';

/** The name of a partition field that was given none: the one that Iceberg Java and PyIceberg give, too. */
export function defaultPartitionName(source: string, transform: string): string {
  const parsed = parseTransform(transform);
  switch (parsed.kind) {
    case 'identity':
      return source;
    case 'void':
      return `${source}_null`;
    case 'bucket':
      return `${source}_bucket_${parsed.buckets}`;
    case 'truncate':
      return `${source}_trunc_${parsed.width}`;
    case 'unknown':
      // Refused when the spec is bound.
      return `${source}_${transform}`;
    default:
      return `${source}_${parsed.kind}`;
  }
}
