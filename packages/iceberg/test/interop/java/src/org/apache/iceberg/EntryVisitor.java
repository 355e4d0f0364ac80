package org.apache.iceberg;

import java.io.IOException;
import java.util.Map;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.io.FileIO;

/** Gives the entries of a manifest with what they inherit; Iceberg keeps these classes to its own package. */
public interface EntryVisitor {
  void visit(int status, Long snapshotId, Long sequenceNumber, Long fileSequenceNumber, ContentFile<?> file);

  static void each(ManifestFile manifest, FileIO io, Map<Integer, PartitionSpec> specs, EntryVisitor visitor)
      throws IOException {
    try (ManifestReader<?> reader = ManifestFiles.open(manifest, io, specs)) {
      read(reader, visitor);
    }
  }

  private static <F extends ContentFile<F>> void read(ManifestReader<F> reader, EntryVisitor visitor)
      throws IOException {
    try (CloseableIterable<ManifestEntry<F>> entries = reader.entries()) {
      for (ManifestEntry<F> entry : entries) {
        visitor.visit(
            entry.status().id(),
            entry.snapshotId(),
            entry.dataSequenceNumber(),
            entry.fileSequenceNumber(),
            entry.file());
      }
    }
  }
}
