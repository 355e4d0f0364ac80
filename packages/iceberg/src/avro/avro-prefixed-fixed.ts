import type { AvroType } from './avro-type.ts';

/**
 * The type as Iceberg Java up to 1.12 at least writes it where a table is partitioned by the identity of a `fixed`
 * column: the schema says `fixed`, the values have a length before them like `bytes` (uuids and decimals have none).
 * The blocks alone show which form it is.
 *
 * @returns undefined when the type holds no such value, and so has one form only
 */
export function withPrefixedFixed(type: AvroType): AvroType | undefined {
  const changed = prefixed(type);
  return changed === type ? undefined : changed;
}

function prefixed(type: AvroType): AvroType {
  switch (type.kind) {
    case 'fixed':
      return type.attributes?.logicalType === undefined ? { ...type, isPrefixed: true } : type;
    case 'union': {
      const branches = type.branches.map(prefixed);
      return branches.every((branch, at) => branch === type.branches[at]) ? type : { ...type, branches };
    }
    case 'record': {
      const fields = type.fields.map((field) => {
        const changed = prefixed(field.type);
        return changed === field.type ? field : { ...field, type: changed };
      });
      return fields.every((field, at) => field === type.fields[at]) ? type : { ...type, fields };
    }
    default:
      return type;
  }
}
