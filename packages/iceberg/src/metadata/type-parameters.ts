/** Precision and scale of a `decimal(P,S)` type name, or undefined for every other type. */
export function decimalParameters(type: string): { precision: number; scale: number } | undefined {
  const match = /^decimal\(\s*(\d+)\s*,\s*(\d+)\s*\)$/.exec(type);
  return match ? { precision: Number(match[1]), scale: Number(match[2]) } : undefined;
}

/** Length in bytes of a `fixed[L]` type name, or undefined for every other type. */
export function fixedLength(type: string): number | undefined {
  const match = /^fixed\[\s*(\d+)\s*\]$/.exec(type);
  return match ? Number(match[1]) : undefined;
}
