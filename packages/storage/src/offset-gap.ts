/** Offsets that a reader passed over because no message is there any more. */
export interface OffsetGap {
  readonly topic: string;
  readonly first: number;
  readonly last: number;
  /** `removed`: a commit (retention, another engine) took the rows; `below-start`: retention took them; `skipped`: never given out. */
  readonly reason: 'removed' | 'below-start' | 'skipped';
}
