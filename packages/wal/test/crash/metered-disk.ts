import { SimDisk, type SimOperation } from '../../src/testing/index.ts';

/**
 * A simulated disk that also measures what the log asks of the machine while {@link measure} runs: operations, beyond a
 * bound the "machine" goes down so that an endless loop ends, and every buffer allocated outside the disk itself.
 */
export class MeteredDisk extends SimDisk {
  #meter: AllocationMeter | undefined;

  /** Runs `work` with at most `maxOperations`; its result, and the bytes of the largest buffer and of all buffers. */
  async measure<T>(
    maxOperations: number,
    work: () => Promise<T>,
  ): Promise<{ result: T; largestBytes: number; totalBytes: number }> {
    this.crashAfter(maxOperations);
    const meter = new AllocationMeter();
    this.#meter = meter;
    meter.start();
    try {
      const result = await work();
      return { result, largestBytes: meter.largestBytes, totalBytes: meter.totalBytes };
    } finally {
      meter.stop();
      this.#meter = undefined;
    }
  }

  /** What the simulation allocates for itself does not count. */
  override perform<T>(
    generation: number,
    operation: SimOperation,
    path: string,
    effect: () => T,
    onFault?: () => void,
  ): Promise<T> {
    const uncounted = () => {
      this.#meter?.stop();
      try {
        return effect();
      } finally {
        this.#meter?.start();
      }
    };
    return super.perform(generation, operation, path, uncounted, onFault);
  }
}

type Allocator = (size: number, ...rest: []) => Buffer<ArrayBuffer>;
const allocators: Readonly<Record<'alloc' | 'allocUnsafe' | 'allocUnsafeSlow', Allocator>> = {
  alloc: Buffer.alloc,
  allocUnsafe: Buffer.allocUnsafe,
  allocUnsafeSlow: Buffer.allocUnsafeSlow,
};
const bytesOfType = Uint8Array;

/** Counts buffers by standing in for the functions that make them. One at a time. */
class AllocationMeter {
  largestBytes = 0;
  totalBytes = 0;
  readonly #standIns = Object.fromEntries(
    Object.entries(allocators).map(([name, allocate]) => [
      name,
      (size: number, ...rest: []) => {
        this.#count(size);
        return allocate(size, ...rest);
      },
    ]),
  );
  readonly #countingType = new Proxy(bytesOfType, {
    construct: (target, args: [number], newTarget) => {
      if (typeof args[0] === 'number') this.#count(args[0]);
      return Reflect.construct(target, args, newTarget);
    },
  });

  start(): void {
    Object.assign(Buffer, this.#standIns);
    globalThis.Uint8Array = this.#countingType;
  }

  stop(): void {
    Object.assign(Buffer, allocators);
    globalThis.Uint8Array = bytesOfType;
  }

  #count(bytes: number): void {
    this.largestBytes = Math.max(this.largestBytes, bytes);
    this.totalBytes += bytes;
  }
}
