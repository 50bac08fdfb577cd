import Foundation

extension Story {
    /// A small picture of a lake in the evening, as a phone might have taken it.
    static let evening = Data(base64Encoded: eveningText) ?? Data()

    private static let eveningText =
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxO"
        + "UlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09P"
        + "T09PT09PT0//wAARCACgAPADASIAAhEBAxEB/8QAGwABAQEAAwEBAAAAAAAAAAAAAAIBBAUGAwf/xAAvEAEAAgIBAQQJAwUAAAAA"
        + "AAAAARECAwQFBiFR0RITFBYlMVRzoSJBsSMyYXGR/8QAGQEBAAMBAQAAAAAAAAAAAAAAAAECAwQF/8QAHhEBAAMBAAMBAQEAAAAA"
        + "AAAAAAEREgIDEzEhBEH/2gAMAwEAAhEDEQA/AO8Gjxqe7pg0KNMGhRpg0KNMGhRpg0KNMGhRpg0KNMGhRpg0KNMGhRpg0KNMGhRp"
        + "g0KNMGhRpoDWmOgAo0AFGgAo0AFGgAo0AFGgAo0AFGgAo0AFGgAo0AFGgAo0AFGmjRpTLTBoUaYNCjTBoUaZNR8x5rtL1ScNuHG0"
        + "ZzGWE3lMO56TzsOfwsdmM/qiKyj/ACtPjmItnHliep5cwaK000waFGmDQo0waFGmDQo0waFGmDQo0waFGmDQo0waFGmjRpTHTBoU"
        + "aYNCjTHD6pzMeDws9szHpVWMeMubNRFy8N2i6j7bzPQwn+nq7o/zK3PFyp5PJmHV7tuW7blt2TeWU3Lsuz/UJ4XNjDKf6WyaydUO"
        + "iYuKcUdTE2/T4mJiJjviR0nZrqMcri+z5z/U1R/2HeOaeamnfz3qLYzPPHCLzyiI+Xeqe6Ll5Dr3VMuRyPU6co9Xrn5x+8p54tHf"
        + "kzFvXDq+hdSjm8f0Nkx63D5x4x4u1RPNJ57uLhg0RSdMbETM1EXJTtOHxY14xnlF5T+FepqDTi6uBsziJy/TD6T02a7tnf8A6diM"
        + "9SrqXS7uLs1f3Y3HjD4u/wAojKJiYuJdVzON6nL0sf7Z/C/PV/iY6cUaL0nTBoUaYNCjTRo0plpg0KNMGvnv246NOe3Oaxxi5KNO"
        + "o7SdR9k4k6tedbtnd3fOIeImbm5cvqfNz5/Mz3Z/Ke6I8IcRrzFQ5u+tSALKOT07l58Ll4bsJmKn9UeMP0Pj7sOTox268onHKLuH"
        + "5m73ofW/YuNs0bYmYiLw/wB+CnXNtPH3n8l3HaLqc8XV7Ppyrbn858IeRmbm5fTkb9nI3ZbduU5ZZT+75piKV761L78Ll7OHyMdu"
        + "rKpj5/5h7zh8nDl8bDdrnuyh+eO26B1KeHyY1bMp9Vn3VfynxR1za3j7zNPaBExMRMTcS1nTo0+nFw9PfjE+LuXUcTKMeRjMu3Ye"
        + "X6mJsAYpHx5eEZ8fK/2732fLlZRjoymfBbn6h0w0ddI0waFGmDQo00dL1Dr+7jc7dow4+qccM5xi7cf3m5H02n8+bp9PTn9sPRDz"
        + "vvNyPptP58z3m5H02n8+Z6eke2HonlO1fUomY4WrKe7vzr+HIntLyJiY9n0x/wB83n9+r1+7PbsymcspuSPD0jryRMOvHM9lw8ZP"
        + "ZcPGVvV0z1Dhjmey4eMnsuHjJ6ujUOG+uONQ5EcXCJu5V6jHxk9XRqHHHI9Rj4yeox8ZR6ujUOOOR6jHxk9Rj4yero1D0fZrqcbd"
        + "Xsm7KPTx/tmZ+b0L8+04zp247cJmMsZuHfR2l5EREez6Z/75o9PTTnyxX69HHdNu14u+NuERM/qh4j3m5H02n8+bcO1HJwyjLHj6"
        + "YmP9+anf809QvHmiHvR5Lh9spuuXxorxwcvPtjwown0NGycq7olyz/L5ImqaR5uZei+TrebvjZPoY/KHm9/bDk7MpjXx9eOE/tN2"
        + "4/vNyPp9P5823j/k6j9lTrz8/wCPRDzvvNyPptP58z3m5H02n8+bf09Ke2Hoh533m5H02n8+Z7zcj6bT+fM9PR7YeiHnfebkfTaf"
        + "z5nvNyPptP58z09HthwesR8W5X3J/lwqc/rEfFuV9yf5cOnTHxzz9RRS6KSIopdFAiil0UCKKXRQIopdFAiil0UCKKXRQIopdFAi"
        + "il0UCKKXRQIopdFAiil0UCKKXRQIopdFA53V4+K8n7k/y4dOd1ePivJ+5P8ALh0iPhP1NFKopKE0UqigTRSqKBNFKooE0UqigTRS"
        + "qKBNFKooE0UqigTRSqKBNFKooE0UqigTRSqKBNFKooE0Uqigc/q0fFOT9yf5cOnO6rHxTk/clxKRHwn6iil0UIRRS6KBFFLooEUU"
        + "uigRRS6KBFFLooEUUuigRRS6KBFFLooEUUuigRRS6KBFFLooEUUuigRRS6KBzeqx8T5H3JcSnN6pHxPkfclxaRHxM/UUUuikoRRS"
        + "6KBFFLooEUUuigRRS6KBFFLooEUUuigRRS6KBFFLooEUUuigRRS6KBFFLooEUUuigRRS6KB//9k="
}
