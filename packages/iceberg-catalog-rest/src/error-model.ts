import { type JsonObject, type JsonValue, parseJson } from '@danube/iceberg';
import { redact } from './auth/redact.ts';

/** What a server says of a failure. */
export interface ErrorModel {
  readonly message: string;
  /** Name of an exception, such as `NoSuchTableException`; empty if the server does not say. */
  readonly type: string;
  /**
   * `iceberg`: `{error: {message, type, code}}` of the specification. `aws`: a message, and the name of the error in the
   * header `x-amzn-errortype` or in `__type`. `none`: a message alone, which gateways answer with, too.
   */
  readonly form: 'iceberg' | 'aws' | 'none';
}

/**
 * Reads an error reply. Undefined for one in no such form (a proxy's page, an empty or cut-off body): then it was not the
 * catalog that answered, or we cannot tell. `secrets` are blotted out of what is kept, since servers quote headers, and
 * long texts are cut.
 */
export function readErrorModel(
  { body, header }: { readonly body: Uint8Array; header(name: string): string | undefined },
  secrets: readonly string[] = [],
): ErrorModel | undefined {
  const json = parsed(body);
  const outer = isObject(json) ? json : {};
  const isNested = isObject(outer['error']);
  const model = isNested ? (outer['error'] as JsonObject) : outer;
  const message = text(model['message'] ?? model['Message']);
  // `com.amazonaws.glue#ThrottlingException:http://…`, as AWS writes them.
  const awsType = (header('x-amzn-errortype') ?? text(model['__type']))
    ?.replace(/:.*/, '')
    .replace(/.*#/, '');
  const type = text(model['type']) ?? awsType;
  // OAuth servers answer {error: "invalid_token", error_description}: no answer of a catalog.
  if (message === undefined && type === undefined) return undefined;
  return {
    message: redact(message ?? '', secrets),
    type: redact(type ?? '', secrets),
    form: isNested || text(model['type']) ? 'iceberg' : awsType ? 'aws' : 'none',
  };
}

/** Whether the body of a success is an error all the same. */
export function isErrorBody(json: JsonValue | undefined): boolean {
  return isObject(json) && isObject(json['error']);
}

function parsed(body: Uint8Array): JsonValue | undefined {
  try {
    return parseJson(new TextDecoder().decode(body));
  } catch {
    // Not JSON: the status is all there is.
    return undefined;
  }
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
