package danube.judge;

import java.io.File;
import org.apache.iceberg.Files;
import org.apache.iceberg.io.InputFile;
import org.apache.iceberg.io.OutputFile;
import org.apache.iceberg.io.PositionOutputStream;

/** A file known by the location that its table gives it. */
record NamedOutputFile(String location, File file) implements OutputFile {
  @Override
  public PositionOutputStream create() {
    return Files.localOutput(file).create();
  }

  @Override
  public PositionOutputStream createOrOverwrite() {
    return Files.localOutput(file).createOrOverwrite();
  }

  @Override
  public InputFile toInputFile() {
    return new NamedInputFile(location, Files.localInput(file));
  }
}
