// The category of a product, from its description: that of the first rule below of which the description holds a whole word,
// singular or plural. A stated rule rather than a good one: the data has no categories, and a search needs some.

const rules: readonly (readonly [category: string, words: readonly string[]])[] = [
  ["seasonal/christmas", ["CHRISTMAS", "ADVENT", "REINDEER", "SNOWFLAKE", "SNOWMAN"]],
  ["seasonal/easter", ["EASTER", "EGG", "BUNNY"]],
  [
    "home/lighting",
    ["LIGHT", "LAMP", "LANTERN", "CANDLE", "CANDLES", "T-LIGHT", "CANDLESTICK", "CHANDELIER"],
  ],
  ["bags", ["BAG", "PURSE", "SHOPPER", "HANDBAG", "RUCKSACK"]],
  ["kitchen/drinks", ["MUG", "CUP", "TEAPOT", "TEACUP", "GLASS", "BOTTLE", "FLASK", "JUG", "TEA", "COFFEE"]],
  ["kitchen/baking", ["CAKE", "CAKESTAND", "CAKECASE", "BAKING", "JELLY", "CUTTER", "MOULD"]],
  [
    "kitchen",
    ["PLATE", "BOWL", "KITCHEN", "APRON", "SPOON", "TRAY", "TIN", "JAR", "LUNCH", "SNACK", "COASTER"],
  ],
  ["stationery", ["CARD", "PEN", "PENCIL", "NOTEBOOK", "WRAP", "PAPER", "STICKER", "TAPE", "RULER", "CHALK"]],
  ["home/storage", ["BOX", "BASKET", "DRAWER", "CABINET", "HOOK", "HANGER", "RACK", "HOLDER"]],
  ["home/textiles", ["CUSHION", "TOWEL", "BLANKET", "QUILT", "THROW", "RUG", "DOORMAT"]],
  [
    "home/decoration",
    ["FRAME", "CLOCK", "SIGN", "MIRROR", "BUNTING", "GARLAND", "WREATH", "HEART", "DECORATION", "VASE"],
  ],
  ["garden", ["GARDEN", "FLOWER", "PLANT", "BIRD", "WATERING", "GROW", "PARASOL"]],
  ["jewellery", ["NECKLACE", "BRACELET", "EARRING", "RING", "BROOCH", "CHARM"]],
  [
    "toys",
    ["DOLL", "GAME", "TOY", "PLAYHOUSE", "SKITTLES", "SPINNING", "SOLDIER", "CRAYON", "PUZZLE", "CHILDRENS"],
  ],
];

export const otherCategory = "other";

const categoryByWord = new Map(rules.flatMap(([category, words]) => words.map((word) => [word, category])));
const categoryOrder = new Map(rules.map(([category], index) => [category, index]));

export function categoryOf(description: string): string {
  const found = description
    .toUpperCase()
    .split(/[^A-Z0-9-]+/)
    .flatMap((word) => categoryByWord.get(word) ?? categoryByWord.get(word.replace(/S$/, "")) ?? []);
  const rank = (category: string) => categoryOrder.get(category) ?? rules.length;
  return found.sort((a, b) => rank(a) - rank(b))[0] ?? otherCategory;
}
