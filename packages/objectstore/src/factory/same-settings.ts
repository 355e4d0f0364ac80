/**
 * Whether two settings mean the same: plain objects by what is in them, where `undefined` is as good as absent, and
 * everything else (functions, journals, lists) only if it is the same thing. Two journals with private fields would look
 * alike to a comparison in depth.
 */
export function sameSettings(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (!isPlain(a) || !isPlain(b)) return false;
  return Object.keys({ ...a, ...b }).every((name) => sameSettings(a[name], b[name]));
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
