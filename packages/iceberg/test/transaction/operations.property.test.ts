import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type DataFile,
  deleteDataFiles,
  eq,
  fastAppend,
  mergeAppend,
  overwriteFiles,
  replacePartitions,
  rewriteFiles,
  rewriteManifests,
  type TableOperation,
} from '../../src/index.ts';
import {
  dataFile,
  equalityDeletes,
  liveEntries,
  liveFiles,
  newTestTable,
  rowDelta,
  shortName,
} from '../support/transaction-table.ts';

/**
 * Goal: however operations follow each other, the live files and their numbers are what a simple model says. Method:
 * random steps on a table that merges manifests often; each step is told to the model, a map of live files.
 */
interface ModelFile {
  readonly file: DataFile;
  readonly sequenceNumber: bigint;
  readonly fileSequenceNumber: bigint;
}

const categories = ['a', 'b', 'c'];
const kinds = [
  'fastAppend',
  'mergeAppend',
  'deleteFile',
  'deletePaths',
  'deleteFilter',
  'deletePartition',
  'overwriteFile',
  'overwriteFilter',
  'replacePartition',
  'rewrite',
  'rewriteManifests',
  'clusterManifests',
  'equalityDeletes',
] as const;

const step = fc.record({
  kind: fc.constantFrom(...kinds),
  category: fc.constantFrom(...categories),
  pick: fc.nat(100),
  /** Others append before it lands. */
  isLate: fc.boolean(),
});

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

class Model {
  readonly live = new Map<string, ModelFile>();
  sequenceNumber = 0n;
  #names = 0;

  newFile(category: string): DataFile {
    this.#names += 1;
    return dataFile(`${category}${this.#names}`, category);
  }

  data(): ModelFile[] {
    return [...this.live.values()].filter(({ file }) => file.content === 'data');
  }

  add(files: readonly DataFile[], sequenceNumber = this.sequenceNumber): void {
    for (const file of files) {
      this.live.set(shortName(file), { file, sequenceNumber, fileSequenceNumber: this.sequenceNumber });
    }
  }

  remove(isRemoved: (file: DataFile) => boolean): void {
    for (const [name, { file }] of this.live) if (isRemoved(file)) this.live.delete(name);
  }

  /** Delete files that are older than every data file go with a change of files. */
  dropOldDeletes(): void {
    const numbers = this.data().map((entry) => entry.sequenceNumber);
    for (const [name, { file, sequenceNumber }] of this.live) {
      if (file.content !== 'data' && numbers.every((number) => number > sequenceNumber))
        this.live.delete(name);
    }
  }
}

/** The operation of a step, and what the model makes of it once the commit has its number; undefined: not possible. */
function planStep(model: Model, { kind, category, pick }: Step): [TableOperation, () => void] | undefined {
  const data = model.data();
  const picked = data.length === 0 ? undefined : data[pick % data.length]!;
  const inCategory = (file: DataFile): boolean => file.partition[0] === category;
  const hasCategory = data.some(({ file }) => inCategory(file));
  const file = model.newFile(category);
  const partition = { specId: 0, partition: [category] };
  const changing = (change: () => void) => (): void => {
    change();
    model.dropOldDeletes();
  };
  switch (kind) {
    case 'fastAppend':
    case 'mergeAppend':
      return [{ fastAppend, mergeAppend }[kind]({ dataFiles: [file] }), () => model.add([file])];
    case 'rewriteManifests':
      return [rewriteManifests(), () => undefined];
    case 'clusterManifests':
      return [rewriteManifests({ clusterBy: ({ partition: [value] }) => String(value) }), () => undefined];
    case 'equalityDeletes': {
      const deletes = equalityDeletes(`d${shortName(file)}`, category);
      return [rowDelta([deletes]), () => model.add([deletes])];
    }
    case 'replacePartition':
      return [
        replacePartitions({ addDataFiles: [file] }),
        changing(() => {
          model.remove(inCategory);
          model.add([file]);
        }),
      ];
    case 'overwriteFilter':
      return [
        overwriteFiles({ filter: eq('category', category), addDataFiles: [file] }),
        changing(() => {
          model.remove(inCategory);
          model.add([file]);
        }),
      ];
    case 'deleteFilter':
    case 'deletePartition': {
      if (!hasCategory) return undefined;
      const what =
        kind === 'deleteFilter' ? { filter: eq('category', category) } : { partitions: [partition] };
      return [deleteDataFiles(what), changing(() => model.remove(inCategory))];
    }
  }
  if (picked === undefined) return undefined;
  const isPicked = (other: DataFile): boolean => other === picked.file;
  const replaced = { ...model.newFile(String(picked.file.partition[0])) };
  switch (kind) {
    case 'deleteFile':
      return [deleteDataFiles({ files: [picked.file] }), changing(() => model.remove(isPicked))];
    case 'deletePaths':
      return [deleteDataFiles({ paths: [picked.file.filePath] }), changing(() => model.remove(isPicked))];
    case 'overwriteFile':
      return [
        overwriteFiles({ removeDataFiles: [picked.file], addDataFiles: [replaced] }),
        changing(() => {
          model.remove(isPicked);
          model.add([replaced]);
        }),
      ];
    case 'rewrite': {
      const { sequenceNumber } = model;
      return [
        rewriteFiles({ removeDataFiles: [picked.file], addDataFiles: [replaced] }),
        changing(() => {
          model.remove(isPicked);
          model.add([replaced], sequenceNumber);
        }),
      ];
    }
  }
}

test('live files and their numbers are what a model says, whatever operations follow each other', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), async (steps) => {
      const table = await newTestTable({ 'commit.manifest.min-count-to-merge': '3' });
      const model = new Model();
      for (const next of steps) {
        const planned = planStep(model, next);
        if (planned === undefined) continue;
        const base = await table.load();
        if (next.isLate) {
          const late = model.newFile('z');
          await table.commit(fastAppend({ dataFiles: [late] }));
          model.sequenceNumber += 1n;
          model.add([late]);
        }
        const { snapshots } = await table.commit(planned[0], { base });
        // Without manifests there is nothing to rewrite.
        if (snapshots.length === 0) continue;
        model.sequenceNumber += 1n;
        planned[1]();
        const live = await liveEntries(table, await table.load());
        const numbers = [...live].map(([name, entry]) => [
          name,
          entry.sequenceNumber,
          entry.fileSequenceNumber,
        ]);
        const expected = [...model.live].map(([name, entry]) => [
          name,
          entry.sequenceNumber,
          entry.fileSequenceNumber,
        ]);
        expect(numbers.sort()).toEqual(expected.sort());
        await liveFiles(table);
      }
    }),
    { numRuns: 25 },
  );
});
