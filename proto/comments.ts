// The leading comment of a declaration, from the source info of its file. Elements are found by their path in the file's
// descriptor, as descriptor.proto defines it.
import type {
  DescEnum,
  DescEnumValue,
  DescField,
  DescFile,
  DescMessage,
  DescMethod,
  DescOneof,
  DescService,
} from "@bufbuild/protobuf";

type Declared = DescService | DescMethod | DescMessage | DescField | DescOneof | DescEnum | DescEnumValue;

/** Finds comments in one file: lines joined by line breaks, "" when there is none. Nested types are not declared here. */
export function readComments(file: DescFile): (declared: Declared) => string {
  const byPath = new Map<string, string>();
  for (const location of file.proto.sourceCodeInfo?.location ?? []) {
    if (location.leadingComments !== "")
      byPath.set(location.path.join("."), unindent(location.leadingComments));
  }
  return (declared) => byPath.get(pathOf(declared).join(".")) ?? "";
}

function unindent(comment: string): string {
  return comment
    .split("\n")
    .map((line) => line.replace(/^ /, ""))
    .join("\n")
    .trim();
}

// The numbers are those of the fields in FileDescriptorProto, DescriptorProto, EnumDescriptorProto, ServiceDescriptorProto.
function pathOf(declared: Declared): number[] {
  switch (declared.kind) {
    case "message":
      return [4, declared.file.proto.messageType.indexOf(declared.proto)];
    case "enum":
      return [5, declared.file.proto.enumType.indexOf(declared.proto)];
    case "service":
      return [6, declared.file.proto.service.indexOf(declared.proto)];
    case "field":
      return [...pathOf(declared.parent), 2, declared.parent.proto.field.indexOf(declared.proto)];
    case "oneof":
      return [...pathOf(declared.parent), 8, declared.parent.proto.oneofDecl.indexOf(declared.proto)];
    case "enum_value":
      return [...pathOf(declared.parent), 2, declared.parent.proto.value.indexOf(declared.proto)];
    case "rpc":
      return [...pathOf(declared.parent), 2, declared.parent.proto.method.indexOf(declared.proto)];
  }
}
