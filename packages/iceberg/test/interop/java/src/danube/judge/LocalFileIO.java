package danube.judge;

import java.io.File;
import java.util.Map;
import org.apache.iceberg.Files;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.io.InputFile;
import org.apache.iceberg.io.OutputFile;

/**
 * Local files named by {@code file:} URIs, taken literally (no percent-decoding), as the other judges take them. With
 * the properties {@code map.from} and {@code map.to} a made-up prefix stands for a real one, so that a table can be
 * kept anywhere.
 */
public class LocalFileIO implements FileIO {
  private String from = "";
  private String to = "";

  @Override
  public void initialize(Map<String, String> properties) {
    from = properties.getOrDefault("map.from", "");
    to = properties.getOrDefault("map.to", "");
  }

  File file(String location) {
    String mapped = !from.isEmpty() && location.startsWith(from) ? to + location.substring(from.length()) : location;
    return new File(mapped.replaceFirst("^file:(//)?", ""));
  }

  @Override
  public InputFile newInputFile(String location) {
    return new NamedInputFile(location, Files.localInput(file(location)));
  }

  @Override
  public OutputFile newOutputFile(String location) {
    File file = file(location);
    file.getParentFile().mkdirs();
    return new NamedOutputFile(location, file);
  }

  @Override
  public void deleteFile(String location) {
    file(location).delete();
  }
}
