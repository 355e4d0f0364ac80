import { invalidOption } from './option-checks.ts';

const WHAT = 'REST catalog';
const delegations: readonly string[] = ['vended-credentials', 'remote-signing'];

/** Set by the catalog itself, or by HTTP. */
const ownHeaders = [
  'accept',
  'accept-encoding',
  'connection',
  'content-length',
  'content-type',
  'host',
  'idempotency-key',
  'if-none-match',
  'transfer-encoding',
  'x-iceberg-access-delegation',
];

/**
 * The headers of every request, names in lower case: those of the options, and the one that asks for access to files.
 * Errors: `INVALID_ARGUMENT`, which never shows a header's value.
 */
export function checkedHeaders(
  headers: Readonly<Record<string, string>>,
  accessDelegation: readonly string[],
): Record<string, string> {
  const checked: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(lower) || ownHeaders.includes(lower)) {
      throw invalidOption(
        WHAT,
        'headers',
        `free of ${JSON.stringify(name)}, which it sets itself or HTTP does not allow`,
      );
    }
    if (typeof value !== 'string' || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
      throw invalidOption(WHAT, 'headers', `free of line ends and the like, as in ${lower}`);
    }
    checked[lower] = value;
  }
  for (const way of accessDelegation) {
    if (!delegations.includes(way)) {
      throw invalidOption(WHAT, 'accessDelegation', delegations.join(' or '));
    }
  }
  if (accessDelegation.length > 0) checked['x-iceberg-access-delegation'] = accessDelegation.join(',');
  return checked;
}
