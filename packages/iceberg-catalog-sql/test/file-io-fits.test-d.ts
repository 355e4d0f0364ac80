/** Compiled by `typecheck`: the two packages do not import each other, this keeps both sides honest. */
import type { FileIO } from '@danube/iceberg';
import type { StoreFileIO } from '@danube/objectstore';

type Fits<Given extends Wanted, Wanted> = Given;

/** What `createFileIO` returns can be used wherever a `FileIO` is asked for. */
export type StoreFitsIceberg = Fits<StoreFileIO, FileIO>;

/** And has all of it: a method that one side gains is missed here. */
export type SameMethods = Fits<Record<keyof FileIO, unknown>, Record<keyof StoreFileIO, unknown>>;
