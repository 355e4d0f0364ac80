package danube.judge;

import static danube.judge.Json.text;
import static danube.judge.Json.texts;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.iceberg.AppendFiles;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DeleteFile;
import org.apache.iceberg.DeleteFiles;
import org.apache.iceberg.ExpireSnapshots;
import org.apache.iceberg.OverwriteFiles;
import org.apache.iceberg.PendingUpdate;
import org.apache.iceberg.ReplacePartitions;
import org.apache.iceberg.RewriteFiles;
import org.apache.iceberg.RewriteManifests;
import org.apache.iceberg.RowDelta;
import org.apache.iceberg.SnapshotUpdate;
import org.apache.iceberg.Table;
import org.apache.iceberg.UpdateProperties;
import org.apache.iceberg.expressions.ExpressionParser;

/**
 * Commits one action, {@code {"type": ...}}, or builds it on the table as it is now and keeps it under the name {@code
 * stage} until a {@code commitStaged}. Files are named by the keys that the writers gave, or by paths of live files.
 */
final class Commits {
  private final Session session;
  private final Table table;
  private final JsonNode request;
  private final JsonNode action;
  private final String branch;
  private final List<String> deleted = new ArrayList<>();

  private Commits(Session session, JsonNode request) {
    this.session = session;
    this.table = session.table(request);
    this.request = request;
    this.action = Json.need(request, "action");
    this.branch = text(request, "branch", "main");
  }

  static JsonNode commit(Session session, JsonNode request) throws IOException {
    Commits commits = new Commits(session, request);
    PendingUpdate<?> update = commits.build();
    if (request.hasNonNull("stage")) {
      // Made to look at its base now: Iceberg would otherwise do so only when it commits.
      update.apply();
      session.staged.put(text(request, "stage"), update);
      return Json.object();
    }
    update.commit();
    ObjectNode out = Reads.table(session.table(request));
    ArrayNode files = out.putArray("deletedFiles");
    commits.deleted.forEach(files::add);
    return out;
  }

  static JsonNode commitStaged(Session session, JsonNode request) {
    session.staged.remove(text(request, "stage")).commit();
    return Reads.table(session.table(request));
  }

  private PendingUpdate<?> build() throws IOException {
    switch (text(action, "type")) {
      case "fastAppend":
        return append(table.newFastAppend());
      case "append":
        return append(table.newAppend());
      case "rowDelta":
        return rowDelta();
      case "overwrite":
        return overwrite();
      case "replacePartitions":
        return replacePartitions();
      case "delete":
        return delete();
      case "rewriteFiles":
        return rewriteFiles();
      case "rewriteManifests":
        return rewriteManifests();
      case "expire":
        return expire();
      case "properties":
        return properties();
      case "location":
        return table.updateLocation().setLocation(text(action, "location"));
      case "snapshots":
        return Evolution.snapshots(table.manageSnapshots(), action);
      case "schema":
        return Evolution.schema(table.updateSchema(), action);
      case "spec":
        return Evolution.spec(table.updateSpec(), action);
      case "sortOrder":
        return Evolution.sortOrder(table.replaceSortOrder(), action);
      case "statistics":
        return Statistics.update(table, action);
      case "partitionStatistics":
        return Statistics.updatePartitions(table);
      default:
        throw new IllegalArgumentException("unknown action " + action);
    }
  }

  private List<DataFile> dataFiles(String name) throws IOException {
    List<DataFile> files = new ArrayList<>();
    for (String key : texts(action, name)) files.add(session.file(table, branch, key));
    return files;
  }

  private List<DeleteFile> deleteFiles(String name) throws IOException {
    List<DeleteFile> files = new ArrayList<>();
    for (String key : texts(action, name)) files.add(session.file(table, branch, key));
    return files;
  }

  /** What every commit that makes a snapshot may be told: its branch, and more entries for its summary. */
  private <T extends SnapshotUpdate<T>> T snapshot(T update) {
    Json.strings(request, "summary").forEach(update::set);
    if (request.path("stageOnly").asBoolean()) update.stageOnly();
    return branch.equals("main") ? update : update.toBranch(branch);
  }

  private boolean flag(String name) {
    return action.path(name).asBoolean();
  }

  private AppendFiles append(AppendFiles update) throws IOException {
    dataFiles("add").forEach(update::appendFile);
    return snapshot(update);
  }

  private RowDelta rowDelta() throws IOException {
    RowDelta update = table.newRowDelta();
    dataFiles("add").forEach(update::addRows);
    dataFiles("remove").forEach(update::removeRows);
    deleteFiles("addDeletes").forEach(update::addDeletes);
    deleteFiles("removeDeletes").forEach(update::removeDeletes);
    if (action.hasNonNull("validateFrom")) update.validateFromSnapshot(Long.parseLong(text(action, "validateFrom")));
    if (action.hasNonNull("conflictFilter")) update.conflictDetectionFilter(ExpressionParser.fromJson(action.get("conflictFilter")));
    if (action.hasNonNull("validateExist")) update.validateDataFilesExist(texts(action, "validateExist"));
    if (flag("validateDeleted")) update.validateDeletedFiles();
    if (flag("validateNoData")) update.validateNoConflictingDataFiles();
    if (flag("validateNoDeletes")) update.validateNoConflictingDeleteFiles();
    return snapshot(update);
  }

  private OverwriteFiles overwrite() throws IOException {
    OverwriteFiles update = table.newOverwrite();
    if (action.hasNonNull("filter")) update.overwriteByRowFilter(ExpressionParser.fromJson(action.get("filter")));
    dataFiles("add").forEach(update::addFile);
    dataFiles("remove").forEach(update::deleteFile);
    if (action.hasNonNull("validateFrom")) update.validateFromSnapshot(Long.parseLong(text(action, "validateFrom")));
    if (action.hasNonNull("conflictFilter")) update.conflictDetectionFilter(ExpressionParser.fromJson(action.get("conflictFilter")));
    if (flag("validateAdded")) update.validateAddedFilesMatchOverwriteFilter();
    if (flag("validateNoData")) update.validateNoConflictingData();
    if (flag("validateNoDeletes")) update.validateNoConflictingDeletes();
    return snapshot(update);
  }

  private ReplacePartitions replacePartitions() throws IOException {
    ReplacePartitions update = table.newReplacePartitions();
    dataFiles("add").forEach(update::addFile);
    if (action.hasNonNull("validateFrom")) update.validateFromSnapshot(Long.parseLong(text(action, "validateFrom")));
    if (flag("validateNoData")) update.validateNoConflictingData();
    if (flag("validateNoDeletes")) update.validateNoConflictingDeletes();
    return snapshot(update);
  }

  private DeleteFiles delete() {
    DeleteFiles update = table.newDelete();
    texts(action, "remove").forEach(update::deleteFile);
    if (action.hasNonNull("filter")) update.deleteFromRowFilter(ExpressionParser.fromJson(action.get("filter")));
    if (flag("validateExist")) update.validateFilesExist();
    return snapshot(update);
  }

  private RewriteFiles rewriteFiles() throws IOException {
    RewriteFiles update = table.newRewrite();
    dataFiles("remove").forEach(update::deleteFile);
    deleteFiles("removeDeletes").forEach(update::deleteFile);
    dataFiles("add").forEach(update::addFile);
    deleteFiles("addDeletes").forEach(update::addFile);
    if (action.hasNonNull("dataSequenceNumber")) update.dataSequenceNumber(action.get("dataSequenceNumber").asLong());
    if (action.hasNonNull("validateFrom")) update.validateFromSnapshot(Long.parseLong(text(action, "validateFrom")));
    return snapshot(update);
  }

  /** {@code clusterBy} "path" gives a manifest for each file, anything else puts all entries together. */
  private RewriteManifests rewriteManifests() {
    boolean apart = text(action, "clusterBy", "").equals("path");
    return snapshot(table.rewriteManifests().clusterBy(file -> apart ? file.location() : "all"));
  }

  private ExpireSnapshots expire() {
    ExpireSnapshots update = table.expireSnapshots();
    texts(action, "snapshotIds").forEach(id -> update.expireSnapshotId(Long.parseLong(id)));
    if (action.hasNonNull("olderThanMs")) update.expireOlderThan(action.get("olderThanMs").asLong());
    if (action.hasNonNull("retainLast")) update.retainLast(action.get("retainLast").asInt());
    update.cleanExpiredFiles(!flag("keepFiles"));
    update.cleanExpiredMetadata(flag("cleanMetadata"));
    boolean dryRun = flag("dryRun");
    update.deleteWith(
        path -> {
          deleted.add(path);
          if (!dryRun) table.io().deleteFile(path);
        });
    return update;
  }

  private UpdateProperties properties() {
    UpdateProperties update = table.updateProperties();
    for (Map.Entry<String, String> entry : Json.strings(action, "set").entrySet()) {
      update.set(entry.getKey(), entry.getValue());
    }
    Set<String> removed = new HashSet<>(texts(action, "remove"));
    removed.forEach(update::remove);
    return update;
  }
}
