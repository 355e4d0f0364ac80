import { readFileSync } from 'node:fs';
import { isScalar, parseDocument, parse as parseYaml, Scalar, visit } from 'yaml';
import { BrokerError, codeOf, messageOf } from '../errors.ts';
import { describeIssues, formatPath } from './config-errors.ts';
import { type ConfigFile, configSchema } from './config-schema.ts';

/**
 * Reads and checks a YAML configuration file. `${NAME}` in a value is replaced from the environment, `$${` is a
 * literal `${`; an unquoted value that is nothing but `${NAME}` may become a number or a boolean.
 *
 * @throws BrokerError `CONFIG_INVALID` naming every finding with its key's path; values from the file or the
 * environment are not repeated
 */
export function readConfigFile(
  file: string,
  environment: Readonly<Record<string, string | undefined>>,
): ConfigFile {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new BrokerError(
      'CONFIG_INVALID',
      `The configuration file ${file} cannot be read (${codeOf(error) ?? messageOf(error)}).`,
      { cause: error },
    );
  }
  return parseConfig(parseConfigText(text, environment, file), file);
}

/** Checks the content of a configuration file given as an object. @throws BrokerError `CONFIG_INVALID` */
export function parseConfig(input: unknown, source = 'configuration'): ConfigFile {
  const result = configSchema.safeParse(input ?? {});
  if (result.success) return result.data;
  throw invalid(source, describeIssues(result.error.issues, input, knownKeysAt));
}

/** Parses the text of a configuration file and fills in the environment. @throws BrokerError `CONFIG_INVALID` */
export function parseConfigText(
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
  source = 'configuration',
): unknown {
  const document = parseDocument(text, { uniqueKeys: true });
  const [problem] = document.errors;
  if (problem) {
    const line = problem.linePos?.[0].line;
    // Only the parser's own first line: the rest of its message quotes the file.
    throw invalid(source, [
      `${line === undefined ? '' : `line ${line}: `}${problem.message.split('\n')[0]!.replace(/ at line.*$/, '')}`,
    ]);
  }
  const missing: string[] = [];
  visit(document, {
    Scalar(position, node, ancestors) {
      if (position === 'key' || typeof node.value !== 'string') return;
      const whole = /^\$\{[A-Za-z_][A-Za-z0-9_]*\}$/.test(node.value);
      const value = fillIn(node.value, environment, (name) =>
        missing.push(`${formatPath(pathOf(ancestors))}: the environment variable ${name} is not set`),
      );
      node.value = whole && node.type === Scalar.PLAIN ? scalarOf(value) : value;
    },
  });
  if (missing.length > 0) throw invalid(source, missing);
  return document.toJS() as unknown;
}

function invalid(source: string, findings: readonly string[]): BrokerError {
  return new BrokerError('CONFIG_INVALID', `${source}: ${findings.join('; ')}.`, { context: { findings } });
}

function fillIn(
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
  onMissing: (name: string) => void,
): string {
  return text.replace(/\$(\$?)\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (_all, doubled: string, name: string) => {
    if (doubled) return `\${${name}}`;
    const value = environment[name];
    if (value === undefined) onMissing(name);
    return value ?? '';
  });
}

/** A number or boolean when the text is one in YAML, else the text itself. */
function scalarOf(text: string): unknown {
  try {
    const value: unknown = parseYaml(text);
    return typeof value === 'number' || typeof value === 'boolean' ? value : text;
  } catch {
    return text; // Not a YAML scalar (a secret may hold any character): a text, then.
  }
}

function pathOf(ancestors: readonly unknown[]): PropertyKey[] {
  const path: PropertyKey[] = [];
  for (const node of ancestors) {
    if (typeof node === 'object' && node !== null && 'key' in node && isScalar(node.key))
      path.push(String(node.key.value));
  }
  return path;
}

/** The keys the schema knows at a path, for "unknown key" messages. */
function knownKeysAt(path: readonly PropertyKey[]): readonly string[] {
  let schema: unknown = configSchema;
  const unwrap = (value: unknown): unknown =>
    typeof value === 'object' && value !== null && 'unwrap' in value && typeof value.unwrap === 'function'
      ? unwrap(value.unwrap())
      : value;
  for (const key of path) {
    const shape = shapeOf(unwrap(schema));
    schema = shape?.[String(key)];
  }
  return Object.keys(shapeOf(unwrap(schema)) ?? {});
}

function shapeOf(schema: unknown): Record<string, unknown> | undefined {
  if (typeof schema !== 'object' || schema === null || !('shape' in schema)) return undefined;
  return schema.shape as Record<string, unknown>;
}
