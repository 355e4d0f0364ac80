import type { ListOptions, ListPage } from '../../../src/index.ts';
import { exists, type PlantedBug } from './plant.ts';

/** Every page of a listing, changed. */
const listing =
  (change: (page: ListPage, options: ListOptions | undefined) => ListPage): PlantedBug =>
  (good) => ({
    list: async function* (prefix, options) {
      for await (const page of good.list(prefix, options)) yield change(page, options);
    },
  });

/** A listing with other options. */
const asking =
  (other: (options: ListOptions) => ListOptions): PlantedBug =>
  (good) => ({ list: (prefix, options) => good.list(prefix, options && other(options)) });

export const sortsAsText: PlantedBug = (good) => ({
  list: async function* (prefix, options) {
    const objects = [];
    for await (const page of good.list(prefix, options)) objects.push(...page.objects);
    if (options?.delimiter || options?.pageSize) yield* good.list(prefix, options);
    else yield { objects: objects.sort((a, b) => (a.key < b.key ? -1 : 1)), commonPrefixes: [] };
  },
});

export const losesTheLastOfAPage: PlantedBug = listing((page, options) =>
  page.objects.length === (options?.pageSize ?? 1000)
    ? { ...page, objects: page.objects.slice(0, -1) }
    : page,
);

export const listsFirstPage: PlantedBug = (good) => ({
  list: async function* (prefix, options) {
    for await (const page of good.list(prefix, options)) {
      yield page;
      return;
    }
  },
});

export const ignoresPageSize: PlantedBug = asking(({ pageSize: _size, ...rest }) => rest);

/** Pages by position instead of by key. */
export const pagesByPosition: PlantedBug = (good) => ({
  list: async function* (prefix, options) {
    const { pageSize = 1000, ...rest } = options ?? {};
    for (let at = 0; ; at += pageSize) {
      const objects = [];
      for await (const page of good.list(prefix, rest)) objects.push(...page.objects);
      if (at >= objects.length) return;
      yield { objects: objects.slice(at, at + pageSize), commonPrefixes: [] };
    }
  },
});

/** The start itself too. */
export const startsAtTheStart: PlantedBug = (good) => ({
  list: async function* (prefix, options) {
    const start = options?.startAfter;
    if (start?.startsWith(prefix) && !options?.delimiter && (await exists(good, start))) {
      yield { objects: [await good.head(start)], commonPrefixes: [] };
    }
    yield* good.list(prefix, options);
  },
});

export const startsOnlyAtObjects: PlantedBug = (good) => ({
  list: async function* (prefix, options) {
    const start = options?.startAfter;
    if (start && !(await exists(good, start)))
      yield* good.list(prefix, { ...options, startAfter: undefined });
    else yield* good.list(prefix, options);
  },
});

/** Leaves out a group that the start lies in, as if its name alone counted. */
export const comparesGroupNames: PlantedBug = listing((page, options) => ({
  ...page,
  commonPrefixes: page.commonPrefixes.filter((name) => name > (options?.startAfter ?? '')),
}));

/** Says a group again on each page that has keys of it. */
export const groupsByPage: PlantedBug = (good) => ({
  list: async function* (prefix, options) {
    if (!options?.delimiter) yield* good.list(prefix, options);
    else {
      for await (const page of good.list(prefix, { ...options, delimiter: undefined })) {
        const behind = (key: string) => key.indexOf('/', prefix.length);
        const groups = page.objects.filter(({ key }) => behind(key) !== -1);
        yield {
          objects: page.objects.filter(({ key }) => behind(key) === -1),
          commonPrefixes: [...new Set(groups.map(({ key }) => key.slice(0, behind(key) + 1)))],
        };
      }
    }
  },
});

export const countsGroupsApart: PlantedBug = (good) => ({
  list: async function* (prefix, options) {
    if (options?.delimiter === undefined) yield* good.list(prefix, options);
    else {
      const objects = [];
      const commonPrefixes = [];
      for await (const page of good.list(prefix, options)) {
        objects.push(...page.objects);
        commonPrefixes.push(...page.commonPrefixes);
      }
      const size = options.pageSize ?? 1000;
      for (let at = 0; at < Math.max(objects.length, commonPrefixes.length); at += size) {
        yield { objects: objects.slice(at, at + size), commonPrefixes: commonPrefixes.slice(at, at + size) };
      }
    }
  },
});

export const losesGroupsSlash: PlantedBug = listing((page) => ({
  ...page,
  commonPrefixes: page.commonPrefixes.map((name) => name.slice(0, -1)),
}));

export const listsWholeSegments: PlantedBug = (good) => ({
  list: (prefix, options) =>
    good.list(prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`, options),
});

export const listsSeconds: PlantedBug = listing((page) => ({
  ...page,
  objects: page.objects.map((meta) => ({ ...meta, lastModifiedMs: meta.lastModifiedMs - 1 })),
}));
