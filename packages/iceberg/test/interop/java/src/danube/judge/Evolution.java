package danube.judge;

import static danube.judge.Json.text;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.function.Supplier;
import org.apache.iceberg.ManageSnapshots;
import org.apache.iceberg.NullOrder;
import org.apache.iceberg.ReplaceSortOrder;
import org.apache.iceberg.SchemaParser;
import org.apache.iceberg.UpdatePartitionSpec;
import org.apache.iceberg.UpdateSchema;
import org.apache.iceberg.expressions.Expressions;
import org.apache.iceberg.expressions.Literal;
import org.apache.iceberg.expressions.Term;
import org.apache.iceberg.transforms.Transforms;
import org.apache.iceberg.types.Type;

/** Changes of schema, partition spec, sort order and refs, each a list {@code changes} of {@code {"do": ...}}. */
final class Evolution {
  private Evolution() {}

  static UpdateSchema schema(UpdateSchema update, JsonNode action) {
    if (action.path("allowIncompatible").asBoolean()) update.allowIncompatibleChanges();
    for (JsonNode change : Json.need(action, "changes")) {
      String name = text(change, "name", null);
      switch (text(change, "do")) {
        case "add" -> add(update, change, name);
        case "rename" -> update.renameColumn(name, text(change, "to"));
        case "widen" -> update.updateColumn(name, type(change).asPrimitiveType());
        case "doc" -> update.updateColumnDoc(name, text(change, "doc"));
        case "optional" -> update.makeColumnOptional(name);
        case "require" -> update.requireColumn(name);
        case "drop" -> update.deleteColumn(name);
        case "first" -> update.moveFirst(name);
        case "before" -> update.moveBefore(name, text(change, "reference"));
        case "after" -> update.moveAfter(name, text(change, "reference"));
        case "default" -> update.updateColumnDefault(name, literal(type(change), change));
        case "identifier" -> update.setIdentifierFields(Json.texts(change, "names"));
        default -> throw new IllegalArgumentException("unknown change " + change);
      }
    }
    return update;
  }

  /** {@code parent}, {@code type} (as in a schema), {@code required}, {@code default} in the printed form. */
  private static void add(UpdateSchema update, JsonNode change, String name) {
    String parent = text(change, "parent", null);
    Type type = type(change);
    Literal<?> initial = literal(type, change);
    if (change.path("required").asBoolean()) update.addRequiredColumn(parent, name, type, null, initial);
    else update.addColumn(parent, name, type, null, initial);
  }

  private static Literal<?> literal(Type type, JsonNode change) {
    return change.hasNonNull("default") ? literalOf(type, change.get("default")) : null;
  }

  static <T> Literal<T> literalOf(Type type, JsonNode printed) {
    Object value = Values.parse(type, printed);
    // Literals of times and uuids are made from their text.
    boolean text = value instanceof java.time.temporal.Temporal || value instanceof java.util.UUID;
    return Expressions.lit(text ? value.toString() : value).to(type);
  }

  /** Types are parsed as part of a schema; nested ids are assigned anew. */
  private static Type type(JsonNode change) {
    JsonNode field = Json.object().put("id", 1000).put("name", "t").put("required", false).set("type", change.get("type"));
    JsonNode schema = Json.object().put("type", "struct").set("fields", Json.array().add(field));
    return SchemaParser.fromJson(schema).findType("t");
  }

  static UpdatePartitionSpec spec(UpdatePartitionSpec update, JsonNode action) {
    for (JsonNode change : Json.need(action, "changes")) {
      switch (text(change, "do")) {
        case "add" -> update.addField(text(change, "name", null), term(change));
        case "remove" -> update.removeField(text(change, "name"));
        case "rename" -> update.renameField(text(change, "name"), text(change, "to"));
        default -> throw new IllegalArgumentException("unknown change " + change);
      }
    }
    return update;
  }

  static ReplaceSortOrder sortOrder(ReplaceSortOrder update, JsonNode action) {
    for (JsonNode field : Json.need(action, "fields")) {
      NullOrder nulls = text(field, "nulls", "first").equals("first") ? NullOrder.NULLS_FIRST : NullOrder.NULLS_LAST;
      if (text(field, "direction", "asc").equals("asc")) update.asc(term(field), nulls);
      else update.desc(term(field), nulls);
    }
    return update;
  }

  private static Term term(JsonNode json) {
    return Expressions.transform(text(json, "source"), Transforms.fromString(text(json, "transform", "identity")));
  }

  static ManageSnapshots snapshots(ManageSnapshots update, JsonNode action) {
    for (JsonNode change : Json.need(action, "changes")) {
      String name = text(change, "name", null);
      Supplier<Long> id = () -> Json.need(change, "snapshotId").asLong();
      switch (text(change, "do")) {
        case "createBranch" -> update.createBranch(name, id.get());
        case "createTag" -> update.createTag(name, id.get());
        case "removeBranch" -> update.removeBranch(name);
        case "removeTag" -> update.removeTag(name);
        case "replaceTag" -> update.replaceTag(name, id.get());
        case "replaceBranch" -> update.replaceBranch(name, id.get());
        case "renameBranch" -> update.renameBranch(name, text(change, "to"));
        case "fastForward" -> update.fastForwardBranch(name, text(change, "to"));
        case "setCurrent" -> update.setCurrentSnapshot(id.get());
        case "rollbackTo" -> update.rollbackTo(id.get());
        case "rollbackToTime" -> update.rollbackToTime(Json.need(change, "timestampMs").asLong());
        case "cherryPick" -> update.cherrypick(id.get());
        case "minSnapshotsToKeep" -> update.setMinSnapshotsToKeep(name, change.get("value").asInt());
        case "maxSnapshotAgeMs" -> update.setMaxSnapshotAgeMs(name, change.get("value").asLong());
        case "maxRefAgeMs" -> update.setMaxRefAgeMs(name, change.get("value").asLong());
        default -> throw new IllegalArgumentException("unknown change " + change);
      }
    }
    return update;
  }
}
