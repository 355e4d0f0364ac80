import { SimDisk, type SimDiskOptions, type SimOperation } from '../../src/testing/index.ts';

/**
 * A simulated disk whose syncs may take whole turns of the event loop: only then do the log's own writes, which give way
 * to callers between two steps, fall into the time a sync runs.
 */
export class UnhurriedDisk extends SimDisk {
  readonly #slowSyncs: number;

  constructor({ slowSyncs, ...options }: SimDiskOptions & { readonly slowSyncs: number }) {
    super(options);
    this.#slowSyncs = slowSyncs;
  }

  override async perform<T>(
    generation: number,
    operation: SimOperation,
    path: string,
    effect: () => T,
    onFault?: () => void,
  ): Promise<T> {
    const slow = operation === 'sync' && this.random.chance(this.#slowSyncs);
    for (let turns = slow ? this.random.integer(1, 20) : 0; turns > 0; turns--) {
      await new Promise<void>((resolve) => process.nextTick(resolve));
    }
    return super.perform(generation, operation, path, effect, onFault);
  }
}
