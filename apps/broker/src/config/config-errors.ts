import type { z } from 'zod';
import { BrokerError } from '../errors.ts';

/** `storage.iceberg_config.wal.sync_mode`, `bootstrap_namespaces[0]`, or "the configuration" for the top. */
export function formatPath(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'the configuration';
  return path
    .map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index === 0 ? '' : '.'}${String(key)}`))
    .join('');
}

/**
 * Turns the schema's findings into lines `<path>: <what was expected>`. Values are never repeated, because one
 * of them could be a secret; only their kind is.
 */
export function describeIssues(
  issues: readonly z.core.$ZodIssue[],
  input: unknown,
  keysAt: (path: readonly PropertyKey[]) => readonly string[],
): string[] {
  return issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      const known = keysAt(issue.path).join(', ');
      return issue.keys.map(
        (key) => `${formatPath([...issue.path, key])}: unknown key; known here: ${known}`,
      );
    }
    const got = kindOf(valueAt(input, issue.path), issue);
    return [`${formatPath(issue.path)}: ${expectation(issue)}, got ${got}`];
  });
}

function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${issue.expected === 'object' ? 'a mapping of keys' : `a value of type ${issue.expected}`}`;
    case 'invalid_value':
      return `expected one of ${issue.values.map((value) => JSON.stringify(value)).join(', ')}`;
    case 'too_small':
      return issue.origin === 'string'
        ? 'expected a text that is not empty'
        : `expected at least ${issue.minimum}`;
    case 'too_big':
      return `expected at most ${issue.maximum}`;
    default:
      return issue.message.startsWith('expected')
        ? issue.message
        : `expected something else (${issue.message})`;
  }
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const key of path)
    value =
      typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined;
  return value;
}

function kindOf(value: unknown, issue: z.core.$ZodIssue): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  // A secret is a text, also one of digits that lacks its quotes.
  if (typeof value === 'number')
    return issue.code === 'invalid_type' && issue.expected === 'string'
      ? 'a number (quote it)'
      : `the number ${value}`;
  if (typeof value === 'object') return 'a mapping';
  if (value === '') return 'an empty text';
  return typeof value === 'string' ? 'a text that is not that' : `a ${typeof value}`;
}

/** What is said of keys that do not go together, or of a value that means nothing where it stands. */
export function contradiction(key: string, what: string): BrokerError {
  return new BrokerError('CONFIG_INVALID', `${key}: ${what}.`, { context: { key } });
}

/** What is said of something that is understood and not there in this version. */
export function unsupported(key: string, what: string): BrokerError {
  return new BrokerError('UNSUPPORTED', `${key}: ${what}.`, { context: { key } });
}
