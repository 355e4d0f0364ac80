package danube.judge;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import org.apache.iceberg.ContentFile;
import org.apache.iceberg.DeleteFile;
import org.apache.iceberg.ManifestFile;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Table;

/** Manifests and their entries as JSON: 64-bit numbers as text, bounds in hex, partitions in the printed form. */
final class ManifestJson {
  private ManifestJson() {}

  static ObjectNode manifest(Table table, ManifestFile manifest) {
    ObjectNode out = Json.object().put("path", manifest.path()).put("length", manifest.length());
    out.put("content", manifest.content().name().toLowerCase(java.util.Locale.ROOT));
    out.put("specId", manifest.partitionSpecId());
    out.put("sequenceNumber", String.valueOf(manifest.sequenceNumber()));
    out.put("minSequenceNumber", String.valueOf(manifest.minSequenceNumber()));
    out.put("addedSnapshotId", String.valueOf(manifest.snapshotId()));
    out.put("addedFiles", manifest.addedFilesCount()).put("existingFiles", manifest.existingFilesCount());
    out.put("deletedFiles", manifest.deletedFilesCount());
    out.put("addedRows", text(manifest.addedRowsCount())).put("existingRows", text(manifest.existingRowsCount()));
    out.put("deletedRows", text(manifest.deletedRowsCount()));
    out.put("firstRowId", text(manifest.firstRowId()));
    ArrayNode summaries = out.putArray("partitions");
    if (manifest.partitions() == null) return out;
    for (ManifestFile.PartitionFieldSummary summary : manifest.partitions()) {
      ObjectNode printed = summaries.addObject().put("containsNull", summary.containsNull());
      printed.put("containsNan", summary.containsNaN());
      printed.put("lower", hex(summary.lowerBound())).put("upper", hex(summary.upperBound()));
    }
    return out;
  }

  static ObjectNode entry(
      Table table, int status, Long snapshotId, Long sequence, Long fileSequence, ContentFile<?> file) {
    PartitionSpec spec = table.specs().get(file.specId());
    ObjectNode out = Json.object().put("status", List.of("existing", "added", "deleted").get(status));
    out.put("snapshotId", text(snapshotId)).put("sequenceNumber", text(sequence));
    out.put("fileSequenceNumber", text(fileSequence));
    out.put("content", file.content().name().toLowerCase(java.util.Locale.ROOT));
    out.put("path", file.location()).put("format", file.format().name()).put("specId", file.specId());
    out.set("partition", Values.printStruct(spec.partitionType(), file.partition()));
    out.put("recordCount", text(file.recordCount())).put("fileSizeInBytes", text(file.fileSizeInBytes()));
    counts(out, "columnSizes", file.columnSizes());
    counts(out, "valueCounts", file.valueCounts());
    counts(out, "nullValueCounts", file.nullValueCounts());
    counts(out, "nanValueCounts", file.nanValueCounts());
    bounds(out, "lowerBounds", file.lowerBounds());
    bounds(out, "upperBounds", file.upperBounds());
    if (file.splitOffsets() != null) file.splitOffsets().forEach(out.putArray("splitOffsets")::add);
    if (file.equalityFieldIds() != null) file.equalityFieldIds().forEach(out.putArray("equalityIds")::add);
    out.put("sortOrderId", file.sortOrderId()).put("firstRowId", text(file.firstRowId()));
    if (file instanceof DeleteFile delete) {
      out.put("referencedDataFile", delete.referencedDataFile());
      out.put("contentOffset", text(delete.contentOffset()));
      out.put("contentSizeInBytes", text(delete.contentSizeInBytes()));
    }
    return out;
  }

  private static String text(Object value) {
    return value == null ? null : String.valueOf(value);
  }

  private static String hex(ByteBuffer buffer) {
    return buffer == null ? null : Json.hex(buffer);
  }

  private static void counts(ObjectNode out, String name, Map<Integer, Long> counts) {
    if (counts == null) return;
    ObjectNode printed = out.putObject(name);
    new java.util.TreeMap<>(counts).forEach((id, count) -> printed.put(String.valueOf(id), text(count)));
  }

  private static void bounds(ObjectNode out, String name, Map<Integer, ByteBuffer> bounds) {
    if (bounds == null) return;
    ObjectNode printed = out.putObject(name);
    new java.util.TreeMap<>(bounds).forEach((id, bound) -> printed.put(String.valueOf(id), Json.hex(bound)));
  }
}
