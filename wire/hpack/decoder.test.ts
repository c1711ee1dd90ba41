import { describe, expect, test } from "vitest";
import { HpackDecoder } from "./decoder.ts";
import { HpackError } from "./hpack-error.ts";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ""), "hex");

function decode(decoder: HpackDecoder, block: Buffer): string[] {
  return decoder.decode(block, 0, block.length).fields.map(({ name, value }) => `${name}: ${value}`);
}

const fresh = (tableBytes = 4_096, listBytes = 65_536): HpackDecoder =>
  new HpackDecoder(tableBytes, listBytes);

describe("RFC 7541 appendix C.2, single fields", () => {
  test.each([
    ["400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572", "custom-key: custom-header", 55],
    ["040c 2f73 616d 706c 652f 7061 7468", ":path: /sample/path", 0],
    ["1008 7061 7373 776f 7264 0673 6563 7265 74", "password: secret", 0],
    ["82", ":method: GET", 0],
  ])("%s is %s", (block, field, tableBytes) => {
    const decoder = fresh();
    expect(decode(decoder, hex(block))).toEqual([field]);
    expect(decoder.tableBytes).toBe(tableBytes);
  });
});

const REQUESTS = [
  [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"],
  [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com", "cache-control: no-cache"],
  [
    ":method: GET",
    ":scheme: https",
    ":path: /index.html",
    ":authority: www.example.com",
    "custom-key: custom-value",
  ],
];
const COOKIE = "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";
const RESPONSES = [
  [
    ":status: 302",
    "cache-control: private",
    "date: Mon, 21 Oct 2013 20:13:21 GMT",
    "location: https://www.example.com",
  ],
  [
    ":status: 307",
    "cache-control: private",
    "date: Mon, 21 Oct 2013 20:13:21 GMT",
    "location: https://www.example.com",
  ],
  [
    ":status: 200",
    "cache-control: private",
    "date: Mon, 21 Oct 2013 20:13:22 GMT",
    "location: https://www.example.com",
    "content-encoding: gzip",
    `set-cookie: ${COOKIE}`,
  ],
];

describe("RFC 7541 appendices C.3 to C.6, sequences that share a table", () => {
  test.each([
    {
      name: "C.3 requests, plain",
      table: 4_096,
      blocks: [
        "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "8286 84be 5808 6e6f 2d63 6163 6865",
        "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
      ],
      lists: REQUESTS,
      sizes: [57, 110, 164],
    },
    {
      name: "C.4 requests, Huffman",
      table: 4_096,
      blocks: [
        "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
        "8286 84be 5886 a8eb 1064 9cbf",
        "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
      ],
      lists: REQUESTS,
      sizes: [57, 110, 164],
    },
    {
      name: "C.5 responses, plain, with eviction",
      table: 256,
      blocks: [
        `4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32
         3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d`,
        "4803 3330 37c1 c0bf",
        `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970
         7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61
         6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31`,
      ],
      lists: RESPONSES,
      sizes: [222, 222, 215],
    },
    {
      name: "C.6 responses, Huffman, with eviction",
      table: 256,
      blocks: [
        `4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad
         1718 63c7 8f0b 97c8 e9ae 82ae 43d3`,
        "4883 640e ffc1 c0bf",
        `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2
         e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07`,
      ],
      lists: RESPONSES,
      sizes: [222, 222, 215],
    },
  ])("$name", ({ table, blocks, lists, sizes }) => {
    const decoder = fresh(table);
    for (const [position, block] of blocks.entries()) {
      expect(decode(decoder, hex(block))).toEqual(lists[position]);
      expect(decoder.tableBytes).toBe(sizes[position]);
    }
  });
});

describe("a block that cannot be decoded", () => {
  test.each([
    ["index 0", "80", "index"],
    ["an index beyond both tables", "be", "index"],
    ["a literal whose name has no index", "7f 00 01 61", "index"],
    ["a block that ends inside an integer", "ff", "truncated"],
    ["an integer without end", "ff ff ff ff ff ff 01", "integer"],
    ["a string longer than the block", "00 05 61", "truncated"],
    ["a block that ends before its value", "00 01 61", "truncated"],
    ["Huffman padding of zeros", "00 81 18 00", "huffman"],
    ["Huffman padding of a whole byte", "00 82 1f ff 00", "huffman"],
    ["EOS in a Huffman string", "00 84 ff ff ff ff 00", "huffman"],
    ["a size update after a field", "82 20", "table-size"],
    ["a table larger than we allowed", "3f e2 1f", "table-size"],
  ])("%s is refused", (_name, block, fault) => {
    const decoder = fresh();
    const attempt = () => decode(decoder, hex(block));
    expect(attempt).toThrow(HpackError);
    expect(attempt).toThrow(expect.objectContaining({ fault }));
  });

  test("a header list over the limit is refused although its block is small", () => {
    const decoder = fresh(4_096, 1_000);
    const big = Buffer.concat([hex("40 01 61 7f f9 02"), Buffer.alloc(504, "b")]);
    expect(decode(decoder, big)).toHaveLength(1);
    expect(() => decode(decoder, hex("bebe"))).toThrow(expect.objectContaining({ fault: "list-too-large" }));
  });
});

test("a size update to 0 empties the table, and the allowed maximum may be set again", () => {
  const decoder = fresh();
  decode(decoder, hex("40 01 61 01 62"));
  expect(decoder.tableBytes).toBe(34);
  expect(decode(decoder, hex("20 3f e1 1f 40 01 63 01 64"))).toEqual(["c: d"]);
  expect(decode(decoder, hex("be"))).toEqual(["c: d"]);
  expect(() => decode(decoder, hex("bf"))).toThrow(HpackError);
});

test("a field larger than the table empties it without being kept", () => {
  const decoder = fresh(64);
  decode(decoder, hex("40 01 61 01 62"));
  const value = Buffer.alloc(40, "x");
  expect(decode(decoder, Buffer.concat([hex("40 01 63 28"), value]))).toEqual([`c: ${value}`]);
  expect(decoder.tableBytes).toBe(0);
});
