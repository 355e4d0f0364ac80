import { type JsonObject, type JsonValue, parseJson } from '@danube/iceberg';
import { redact } from './auth/redact.ts';

/** What a server says of a failure, in the form of the specification (`ErrorModel`). */
export interface ErrorModel {
  readonly message: string;
  /** Name of an exception, such as `NoSuchTableException`; empty if the server does not say. */
  readonly type: string;
  /** Whether it is a catalog's form: gateways answer `{message}`, too, but do not name an error. */
  readonly isOfCatalog: boolean;
}

/**
 * Reads an error reply: `{error: {message, type, code}}`, or AWS's `{message}` with the type in `x-amzn-errortype`.
 * Undefined for anything else (a proxy's page, an empty or cut-off body): then it was not the catalog that answered, or
 * we cannot tell. `secrets` are blotted out of what is kept, since servers quote headers, and long texts are cut.
 */
export function readErrorModel(
  { body, header }: { readonly body: Uint8Array; header(name: string): string | undefined },
  secrets: readonly string[] = [],
): ErrorModel | undefined {
  const json = parsed(body);
  if (!isObject(json)) return undefined;
  const nested = json['error'];
  const model = isObject(nested) ? nested : json;
  const message = text(model['message'] ?? model['Message']);
  const type = text(model['type'] ?? model['__type']) ?? header('x-amzn-errortype')?.replace(/:.*/, '');
  // OAuth servers answer {error: "invalid_token", error_description}: no answer of a catalog.
  if (message === undefined && type === undefined) return undefined;
  return {
    message: redact(message ?? '', secrets),
    type: redact(type ?? '', secrets),
    isOfCatalog: model === nested || Boolean(type),
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
