import type { Shape } from './make-golden.ts';
export const plainShapes: Readonly<Record<string, Shape>> = {};
