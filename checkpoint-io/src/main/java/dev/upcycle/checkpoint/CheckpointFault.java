package dev.upcycle.checkpoint;

/// The ways in which a checkpoint can be wrong, one name each.
///
/// The first groups follow the rules of the safetensors crate (`tensor.rs`, README "Format"); the
/// later ones are about directories and configs.
public enum CheckpointFault {
  /// A file cannot be opened or read.
  UNREADABLE,
  /// A directory, a pipe, a socket or a device lies in the place of a file.
  NOT_A_REGULAR_FILE,
  /// A file is no longer what it was when its header was read.
  SOURCE_CHANGED,

  // The length field.
  /// A file is shorter than the eight bytes that give the header's length.
  HEADER_TOO_SMALL,
  /// The header's length passes 100,000,000 bytes.
  HEADER_TOO_LARGE,
  /// The header's length passes the end of the file.
  HEADER_PAST_END,
  /// The header's length is zero.
  HEADER_EMPTY,

  // The header's text.
  /// The header is not UTF-8.
  HEADER_NOT_UTF8,
  /// The header begins with a byte order mark.
  HEADER_BYTE_ORDER_MARK,
  /// The header is not JSON.
  HEADER_NOT_JSON,
  /// A raw control character stands in a text of the header.
  HEADER_CONTROL_CHARACTER,
  /// An escape in a text of the header is half of a surrogate pair.
  HEADER_LONE_SURROGATE,
  /// The header nests deeper than 128 levels.
  HEADER_TOO_DEEP,
  /// The header is JSON but not an object.
  HEADER_NOT_AN_OBJECT,
  /// Something follows the header's object.
  HEADER_TRAILING_CONTENT,

  // Its metadata.
  /// `__metadata__` comes twice.
  DUPLICATE_METADATA,
  /// A key comes twice in `__metadata__`.
  DUPLICATE_METADATA_KEY,
  /// `__metadata__` is neither an object nor null.
  METADATA_NOT_AN_OBJECT,
  /// A value of `__metadata__` is not text.
  METADATA_VALUE_NOT_TEXT,

  // Its tensors.
  /// A tensor's name comes twice in one header.
  DUPLICATE_TENSOR,
  /// A tensor's entry is not an object.
  TENSOR_NOT_AN_OBJECT,
  /// A field of a tensor's entry comes twice.
  DUPLICATE_FIELD,
  /// A tensor's entry has no `dtype`.
  MISSING_DTYPE,
  /// A tensor's entry has no `shape`.
  MISSING_SHAPE,
  /// A tensor's entry has no `data_offsets`.
  MISSING_OFFSETS,
  /// A tensor's dtype is not one of the format's spellings.
  UNKNOWN_DTYPE,
  /// A shape is not a list.
  SHAPE_NOT_A_LIST,
  /// A dimension is not a whole number from 0 to 2^64 - 1.
  BAD_DIMENSION,
  /// `data_offsets` is not a list of two.
  OFFSETS_NOT_A_PAIR,
  /// An offset is not a whole number from 0.
  BAD_OFFSET,
  /// An offset passes 2^63, which no file reaches.
  OFFSET_OVERFLOW,
  /// A tensor's data ends before it begins.
  OFFSETS_REVERSED,
  /// The first tensor's data does not begin at 0.
  FIRST_OFFSET_NOT_ZERO,
  /// A gap lies between the data of two tensors.
  HOLE,
  /// The data of two tensors overlap.
  OVERLAP,
  /// The size that dtype and shape ask for cannot be counted in 64 bits.
  SIZE_OVERFLOW,
  /// Elements of less than a byte do not fill whole bytes.
  PARTIAL_BYTE,
  /// Dtype and shape ask for another size than the offsets give.
  SIZE_MISMATCH,
  /// The file ends before its last tensor.
  DATA_TOO_SHORT,
  /// Bytes follow the last tensor.
  DATA_TOO_LONG,

  // A torch archive: the zip around the weights.
  /// Torch's format of before 1.6, a bare pickle or a tar.
  TORCH_LEGACY_FORMAT,
  /// A TorchScript program, not weights alone.
  TORCH_SCRIPT,
  /// A pickle that no archive holds.
  BARE_PICKLE,
  /// A page of a web site in the place of weights.
  WEB_PAGE,
  /// Not a zip archive, or none that torch wrote.
  NOT_A_TORCH_ARCHIVE,
  /// The archive's directory is cut short or malformed.
  BAD_ARCHIVE_DIRECTORY,
  /// The archive's directory is larger than any real one.
  ARCHIVE_TOO_LARGE,
  /// Two entries of the archive have one name.
  DUPLICATE_ENTRY,
  /// An entry's name leads out of the archive.
  BAD_ENTRY_NAME,
  /// An entry is compressed or encrypted, so that it cannot be mapped.
  ENTRY_NOT_STORED,
  /// An entry's bytes pass the end of the file, or do not follow a header of that name.
  BAD_ENTRY,
  /// The bytes of two entries overlap.
  OVERLAPPING_ENTRIES,
  /// An entry that the archive needs is not there.
  MISSING_ENTRY,
  /// An entry's bytes do not have the checksum that the directory gives.
  WRONG_CRC,
  /// The tensors are stored with the most significant byte first.
  BIG_ENDIAN,

  // Its pickle.
  /// The pickle is longer than any real one.
  PICKLE_TOO_LARGE,
  /// The pickle ends before its STOP, or something follows it.
  PICKLE_CUT_SHORT,
  /// An opcode that weights do not need.
  PICKLE_OPCODE,
  /// A function or class that weights do not need.
  PICKLE_GLOBAL,
  /// A call of something else than the functions that make tensors, or with other arguments.
  PICKLE_CALL,
  /// Attributes set on something.
  PICKLE_ATTRIBUTES,
  /// More objects, memo, stack, or a longer text or number, than any real pickle has.
  PICKLE_LIMIT,
  /// Another protocol than torch's own.
  PICKLE_PROTOCOL,
  /// The opcodes do not fit together.
  PICKLE_MALFORMED,

  // Its tensors.
  /// A storage of a kind or element type that is not known.
  TORCH_DTYPE,
  /// A storage's bytes are not as many as its elements need.
  STORAGE_SIZE,
  /// Sizes, strides or offset of a tensor are no such numbers.
  BAD_VIEW,
  /// A tensor reaches past the end of its storage.
  VIEW_OUTSIDE_STORAGE,
  /// Two elements of one tensor are the same bytes.
  OVERLAPPING_VIEW,
  /// The pickle holds no dictionary of tensors, or several.
  NO_STATE_DICT,

  // The directory.
  /// The path does not exist.
  NO_SUCH_PATH,
  /// The path is a file where a directory is expected.
  NOT_A_DIRECTORY,
  /// No weights file at all.
  NO_WEIGHTS,
  /// Files of torch under names that do not say which of them is the model.
  UNNAMED_TORCH_WEIGHTS,
  /// Weights in GGUF only.
  GGUF_WEIGHTS,
  /// Weights in Mistral's own layout only.
  CONSOLIDATED_WEIGHTS,
  /// Weights that no index joins.
  SHARDS_WITHOUT_INDEX,
  /// A git-LFS pointer in the place of a file.
  GIT_LFS_POINTER,
  /// A download that has not finished.
  HALF_DOWNLOAD,
  /// A file to be carried along is a link to somewhere outside the model.
  COMPANION_OUTSIDE_DIRECTORY,
  /// A file to be carried along is larger than any real one.
  COMPANION_TOO_LARGE,
  /// Both `model.safetensors` and an index of other files.
  SINGLE_FILE_AND_INDEX,
  /// A PEFT adapter, not a model.
  PEFT_ADAPTER,
  /// Weights quantised by GPTQ.
  QUANTISED_GPTQ,
  /// Weights quantised by AWQ.
  QUANTISED_AWQ,
  /// Weights in 8-bit floats.
  QUANTISED_FP8,
  /// Weights quantised by bitsandbytes.
  QUANTISED_BITSANDBYTES,
  /// Weights quantised by compressed-tensors.
  QUANTISED_COMPRESSED_TENSORS,
  /// Weights quantised by another method.
  QUANTISED_OTHER,

  // The index.
  /// The index is not a JSON object with a `weight_map` from names to files.
  BAD_INDEX,
  /// An index entry names a file outside the directory.
  SHARD_OUTSIDE_DIRECTORY,
  /// A shard of the index is not there.
  MISSING_SHARD,
  /// A tensor is in the index but not in its shard.
  TENSOR_NOT_IN_SHARD,
  /// A tensor is in a shard but not in the index.
  TENSOR_NOT_IN_INDEX,
  /// A tensor is in two shards.
  TENSOR_IN_TWO_SHARDS,
  /// No tensor of this name.
  NO_SUCH_TENSOR,
  /// Linear layers that do not follow one another.
  BAD_CONNECTOR,

  // The config.
  /// No `config.json`.
  MISSING_CONFIG,
  /// `config.json` is not a JSON object.
  BAD_CONFIG,
  /// A key of the config is missing.
  MISSING_CONFIG_KEY,
  /// A key of the config has a value of another kind or range.
  BAD_CONFIG_VALUE,
  /// Two spellings of one setting disagree.
  CONFIG_SPELLINGS_DISAGREE,

  // The local Hugging Face cache.
  /// A model name is neither a path nor in the cache.
  NOT_IN_CACHE,
  /// The model is in the cache, but not in this revision.
  NO_SUCH_REVISION,
}
