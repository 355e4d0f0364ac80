package danube.judge;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import org.apache.iceberg.GenericBlobMetadata;
import org.apache.iceberg.GenericStatisticsFile;
import org.apache.iceberg.PartitionStatsHandler;
import org.apache.iceberg.PendingUpdate;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.io.OutputFile;
import org.apache.iceberg.puffin.Blob;
import org.apache.iceberg.puffin.Puffin;
import org.apache.iceberg.puffin.PuffinCompressionCodec;
import org.apache.iceberg.puffin.PuffinWriter;

/** Statistics files of the current snapshot. */
final class Statistics {
  private Statistics() {}

  /** Writes a Puffin file with one blob of {@code bytes} for the field ids {@code fields}. */
  static PendingUpdate<?> update(Table table, JsonNode action) throws IOException {
    Snapshot snapshot = table.currentSnapshot();
    List<Integer> fields = Json.texts(action, "fields").stream().map(Integer::valueOf).toList();
    String location = table.location() + "/metadata/" + snapshot.snapshotId() + ".stats";
    OutputFile file = table.io().newOutputFile(location);
    Blob blob =
        new Blob(
            Json.text(action, "blobType"),
            fields,
            snapshot.snapshotId(),
            snapshot.sequenceNumber(),
            ByteBuffer.wrap(new byte[action.path("bytes").asInt(16)]),
            PuffinCompressionCodec.NONE,
            Map.of("ndv", "3"));
    PuffinWriter writer = Puffin.write(file).createdBy("judge").build();
    try (writer) {
      writer.add(blob);
    }
    return table
        .updateStatistics()
        .setStatistics(
            new GenericStatisticsFile(
                snapshot.snapshotId(),
                location,
                writer.fileSize(),
                writer.footerSize(),
                List.of(GenericBlobMetadata.from(writer.writtenBlobsMetadata().get(0)))));
  }

  static PendingUpdate<?> updatePartitions(Table table) throws IOException {
    return table
        .updatePartitionStatistics()
        .setPartitionStatistics(PartitionStatsHandler.computeAndWriteStatsFile(table));
  }
}
