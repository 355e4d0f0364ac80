import { ObjectStoreError, type ObjectStoreErrorCode, type ObjectStoreErrorContext } from '../errors.ts';

const codes: Readonly<Record<string, ObjectStoreErrorCode>> = {
  EACCES: 'PERMISSION_DENIED',
  EPERM: 'PERMISSION_DENIED',
  EROFS: 'PERMISSION_DENIED',
  ENOSPC: 'NO_SPACE',
  EDQUOT: 'NO_SPACE',
  ENAMETOOLONG: 'INVALID_PATH',
};
/** ENOENT reaches us only when a file or directory of a put was removed under it: putting again makes it anew. */
const passing = new Set(['ENOENT', 'EMFILE', 'ENFILE', 'EAGAIN', 'EINTR', 'EBUSY', 'ENOMEM']);

/** The `code` that Node gives an operating system error, such as `ENOENT`. */
export function systemCode(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** Translates whatever a file system call threw; errors that are ours already pass unchanged. */
export function toStoreError(
  error: unknown,
  action: string,
  context: ObjectStoreErrorContext,
): ObjectStoreError {
  if (ObjectStoreError.is(error)) return error;
  const system = systemCode(error) ?? 'unknown';
  const code = codes[system] ?? 'IO_ERROR';
  return new ObjectStoreError(code, `could not ${action} (${system})`, {
    context: { ...context, systemCode: system },
    cause: error,
    retryable: passing.has(system),
  });
}

/** Runs file system calls; whatever they throw is translated. `action` completes "could not …". */
export async function translated<T>(
  action: string,
  context: ObjectStoreErrorContext,
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw toStoreError(error, action, context);
  }
}
