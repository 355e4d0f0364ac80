import { expect, test } from 'vitest';
import { ObjectStoreError } from './errors.ts';
import type { GetOptions, PutOptions } from './object-store.ts';
import { checkGetOptions, checkOptions, checkPutOptions, resolveRange } from './request-checks.ts';

const able = { ifAbsent: true, ifMatch: true, attributes: true, flatKeys: true };

function codeOf(call: () => unknown): string {
  try {
    call();
    return 'fine';
  } catch (error) {
    if (ObjectStoreError.is(error)) return error.code;
    throw error;
  }
}

const put = (options: unknown, can = able) => codeOf(() => checkPutOptions(options as PutOptions, can));
const get = (options: unknown) => codeOf(() => checkGetOptions('k', options as GetOptions));

test('options that are no object are refused, absent ones are not', () => {
  expect(codeOf(() => checkOptions(undefined, []))).toBe('fine');
  expect(codeOf(() => checkOptions({}, []))).toBe('fine');
  for (const wrong of [null, 'text', 5, true]) {
    expect(codeOf(() => checkOptions(wrong as unknown as object, []))).toBe('INVALID_ARGUMENT');
  }
});

test('a refusal names the option and those that are known', () => {
  expect(() => checkOptions({ ifAbsend: true }, ['ifAbsent'])).toThrow(
    'INVALID_ARGUMENT: there is no option "ifAbsend" here; known are ifAbsent, signal',
  );
});

test('ifAbsent is true or false, not something that counts as it', () => {
  expect(put({ ifAbsent: false, ifMatch: 'e' })).toBe('fine');
  for (const ifAbsent of ['true', 1, null, 0]) expect(put({ ifAbsent })).toBe('INVALID_ARGUMENT');
});

test('etags of every store pass, and what HTTP reads otherwise does not', () => {
  for (const ifMatch of [
    'm1',
    '"9bb58f26192e4ba00f01e2e7b136bbd8-2"',
    '2a-63f-c',
    'W/"x"',
    '0x8D4BCC2E4835CD0',
    '**',
  ]) {
    expect(put({ ifMatch })).toBe('fine');
    expect(get({ ifMatch, ifNoneMatch: ifMatch })).toBe('fine');
  }
  for (const wrong of ['', '*', '"a","b"', 'a b', 'a\n', 'é', null, 5]) {
    expect(put({ ifMatch: wrong })).toBe('INVALID_ARGUMENT');
    expect(get({ ifMatch: wrong })).toBe('INVALID_ARGUMENT');
    expect(get({ ifNoneMatch: wrong })).toBe('INVALID_ARGUMENT');
  }
});

test('each capability that is missing refuses its own options only', () => {
  const options = { ifAbsent: true, ifMatch: 'e', contentType: 'text/csv', metadata: {} };
  const needs = {
    ifAbsent: 'ifAbsent',
    ifMatch: 'ifMatch',
    contentType: 'attributes',
    metadata: 'attributes',
  };
  for (const missing of ['ifAbsent', 'ifMatch', 'attributes'] as const) {
    for (const [name, capability] of Object.entries(needs)) {
      const option = { [name]: options[name as keyof typeof options] };
      const expected = capability === missing ? 'NOT_SUPPORTED' : 'fine';
      expect(put(option, { ...able, [missing]: false }), `${name} without ${missing}`).toBe(expected);
    }
  }
});

test('metadata is an object of names and texts, together no longer than allowed', () => {
  expect(put({ metadata: { a: '', '-': 'x y', '9': '~' } })).toBe('fine');
  expect(put({ metadata: { a: 'x'.repeat(999), b: 'x'.repeat(999) } })).toBe('fine');
  expect(put({ metadata: { a: 'x'.repeat(999), b: 'x'.repeat(1000) } })).toBe('INVALID_ARGUMENT');
  for (const wrong of ['text', ['x'], new Map([['A', 'x']]).entries, { a: undefined }, { a: null }]) {
    expect(put({ metadata: wrong })).toBe('INVALID_ARGUMENT');
  }
});

test('what is no range is told from a name that no range has', () => {
  for (const range of [[0, 5], { start: 0, end: 5 }, { start: 0, length: 5 }, null, 'bytes=0-4']) {
    expect(get({ range })).toBe('INVALID_ARGUMENT');
  }
  for (const range of [{}, { start: '0' }, { start: 0, endExclusive: null }, { start: 2 ** 53 }]) {
    expect(get({ range })).toBe('INVALID_RANGE');
  }
});

test('a range is cut to the object at its end only', () => {
  expect(resolveRange('k', undefined, 10)).toEqual({ start: 0, endExclusive: 10 });
  expect(resolveRange('k', { start: 3 }, 10)).toEqual({ start: 3, endExclusive: 10 });
  expect(resolveRange('k', { start: 3, endExclusive: 99 }, 10)).toEqual({ start: 3, endExclusive: 10 });
  expect(resolveRange('k', { start: 10 }, 10)).toEqual({ start: 10, endExclusive: 10 });
  expect(codeOf(() => resolveRange('k', { start: 10, endExclusive: 11 }, 10))).toBe('INVALID_RANGE');
  expect(codeOf(() => resolveRange('k', { start: 11 }, 10))).toBe('INVALID_RANGE');
});
