package dev.upcycle.sample;

import dev.upcycle.chat.Conversation;
import dev.upcycle.chat.Turn;
import dev.upcycle.checkpoint.write.ResourceException;
import dev.upcycle.sample.SceneTalks.Question;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// A small data set for a model that sees: drawn pictures of one coloured shape, with captions,
/// descriptions, questions and answers, and some questions about no picture; in LLaVA's form, the
/// same bytes every time.
///
/// One in six combinations of colour, shape and place is held out of all but [#HELD_OUT].
public final class DrawnData {
  /// The folder of the pictures.
  public static final String IMAGES = "images";

  /// Captions, for template `plain`.
  public static final String CAPTIONS = "captions.json";

  /// Longer captions.
  public static final String DESCRIPTIONS = "descriptions.json";

  /// Two questions and answers about each picture; one row in five has no picture.
  public static final String QUESTIONS = "questions.json";

  /// One question about a picture of a combination that the others never show, answered in a word
  /// or two.
  public static final String HELD_OUT = "held-out.json";

  /// Pixels of a picture's side.
  public static final int SIDE = 28;

  private DrawnData() {}

  /// Writes all files into a directory, which is made if it is not there.
  ///
  /// @throws ResourceException when it cannot be written
  public static void writeTo(Path directory) {
    ScenePicture picture = new ScenePicture(SIDE);
    try {
      Path images = Files.createDirectories(directory.resolve(IMAGES));
      for (Scene scene : Scene.all()) {
        Files.write(images.resolve(scene.fileName()), picture.png(scene));
      }
      write(directory.resolve(CAPTIONS), captions());
      write(directory.resolve(DESCRIPTIONS), descriptions());
      write(directory.resolve(QUESTIONS), questions());
      write(directory.resolve(HELD_OUT), heldOut());
    } catch (IOException e) {
      throw new ResourceException("cannot write the data set to " + directory + ": " + e, e);
    }
  }

  /// Everything that is said in the files, each once, such as a tokenizer's words come from.
  static List<Conversation> talks() {
    List<Conversation> talks = new ArrayList<>();
    for (Scene scene : Scene.all()) {
      Optional<String> image = Optional.of(scene.fileName());
      talks.add(new Conversation(SceneTalks.caption(scene), image));
      talks.add(new Conversation(SceneTalks.description(scene), image));
      talks.add(new Conversation(SceneTalks.answers(scene, List.of(Question.values())), image));
      for (Question question : Question.values()) {
        talks.add(new Conversation(SceneTalks.answers(scene, List.of(question)), image));
      }
    }
    SceneTalks.withoutImage()
        .forEach(turns -> talks.add(new Conversation(turns, Optional.empty())));
    return talks;
  }

  private static List<Scene> learned() {
    return Scene.all().stream().filter(scene -> !scene.heldOut()).toList();
  }

  private static ArrayNode captions() {
    ArrayNode rows = JsonNodeFactory.instance.arrayNode();
    learned().forEach(scene -> add(rows, scene, SceneTalks.caption(scene)));
    return rows;
  }

  private static ArrayNode descriptions() {
    ArrayNode rows = JsonNodeFactory.instance.arrayNode();
    learned().forEach(scene -> add(rows, scene, SceneTalks.description(scene)));
    return rows;
  }

  private static ArrayNode questions() {
    ArrayNode rows = JsonNodeFactory.instance.arrayNode();
    List<List<Turn>> others = SceneTalks.withoutImage();
    List<Scene> scenes = learned();
    for (int i = 0; i < scenes.size(); i++) {
      List<Question> two = new ArrayList<>(Arrays.asList(Question.values()));
      two.remove(i % two.size());
      add(
          rows,
          scenes.get(i),
          SceneTalks.answers(scenes.get(i), i % 2 == 0 ? two : two.reversed()));
      int without = rows.size() / 5;
      if (rows.size() % 5 == 4) {
        row(rows, "text-" + without, others.get(without % others.size()));
      }
    }
    return rows;
  }

  private static ArrayNode heldOut() {
    ArrayNode rows = JsonNodeFactory.instance.arrayNode();
    for (Scene scene : Scene.all()) {
      if (scene.heldOut()) {
        for (Question question : Question.values()) {
          add(rows, scene, SceneTalks.answers(scene, List.of(question)));
        }
      }
    }
    return rows;
  }

  private static void add(ArrayNode rows, Scene scene, List<Turn> turns) {
    row(rows, "scene-" + rows.size(), turns).put("image", scene.fileName());
  }

  private static ObjectNode row(ArrayNode rows, String id, List<Turn> turns) {
    ObjectNode row = rows.addObject().put("id", id);
    ArrayNode conversation = row.putArray("conversations");
    for (Turn turn : turns) {
      conversation
          .addObject()
          .put("from", turn.role() == Turn.Role.USER ? "human" : "gpt")
          .put("value", turn.content());
    }
    return row;
  }

  private static void write(Path file, ArrayNode rows) throws IOException {
    List<String> lines =
        rows.values().stream().map(row -> JsonMapper.shared().writeValueAsString(row)).toList();
    Files.write(
        file, ("[\n" + String.join(",\n", lines) + "\n]\n").getBytes(StandardCharsets.UTF_8));
  }
}
