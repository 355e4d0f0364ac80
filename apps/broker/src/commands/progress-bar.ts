import type { Terminal } from './terminal.ts';

const WIDTH = 30;
const REDRAW_MS = 50;

/** A progress bar on stderr, drawn only when a person looks at it. */
export class ProgressBar {
  readonly #terminal: Terminal;
  readonly #label: string;
  readonly #total: number;
  #drawnAtMs = Number.NEGATIVE_INFINITY;

  constructor(terminal: Terminal, label: string, total: number) {
    this.#terminal = terminal;
    this.#label = label;
    this.#total = total;
  }

  update(done: number): void {
    if (!this.#terminal.interactive) return;
    const now = performance.now();
    if (now - this.#drawnAtMs < REDRAW_MS && done < this.#total) return;
    this.#drawnAtMs = now;
    const filled = Math.round((done / this.#total) * WIDTH);
    this.#terminal.err(
      `\r${this.#label.padEnd(10)} [${'#'.repeat(filled)}${' '.repeat(WIDTH - filled)}] ${done}/${this.#total}`,
    );
  }

  end(): void {
    if (this.#terminal.interactive) this.#terminal.err('\n');
  }
}
