// The calls of libvips with a variable number of arguments, which Swift cannot make, and the limits of a process.
//
// Functions return 0, or another number after a failure, whose text libvips keeps.
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>
#include <vips/vips.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

// Starts libvips with one thread, no cache, and the loaders of four formats alone.
static inline int picture_start(void) {
#ifdef __GLIBC__
    // Each thread of a decoder would reserve an address space of its own, which counts towards the limit of memory.
    mallopt(M_ARENA_MAX, 2);
#endif
    if (vips_init("photo-worker") != 0) return -1;
    vips_concurrency_set(1);
    vips_cache_set_max(0);
    vips_operation_block_set("VipsForeignLoad", TRUE);
    vips_operation_block_set("VipsForeignLoadJpegBuffer", FALSE);
    vips_operation_block_set("VipsForeignLoadHeifBuffer", FALSE);
    vips_operation_block_set("VipsForeignLoadPngBuffer", FALSE);
    vips_operation_block_set("VipsForeignLoadWebpBuffer", FALSE);
    return 0;
}

// The loaders read no pixels yet. The bytes must live as long as the image.

// `shrink` is 1, 2, 4 or 8.
static inline int picture_load_jpeg(const void *bytes, size_t count, int shrink, VipsImage **out) {
    return vips_jpegload_buffer((void *) bytes, count, out, "shrink", shrink, "access", VIPS_ACCESS_SEQUENTIAL,
        "fail_on", VIPS_FAIL_ON_TRUNCATED, NULL);
}

static inline int picture_load_heif(const void *bytes, size_t count, VipsImage **out) {
    return vips_heifload_buffer((void *) bytes, count, out, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on",
        VIPS_FAIL_ON_TRUNCATED, NULL);
}

static inline int picture_load_png(const void *bytes, size_t count, VipsImage **out) {
    return vips_pngload_buffer((void *) bytes, count, out, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on",
        VIPS_FAIL_ON_TRUNCATED, NULL);
}

static inline int picture_load_webp(const void *bytes, size_t count, VipsImage **out) {
    return vips_webpload_buffer((void *) bytes, count, out, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on",
        VIPS_FAIL_ON_TRUNCATED, NULL);
}

// Makes the picture upright and at most `side` pixels long, never larger, with sRGB colours, in memory of its own.
static inline int picture_shrink(VipsImage *in, int side, VipsImage **out) {
    VipsImage *lazy = NULL;
    if (vips_thumbnail_image(in, &lazy, side, "height", side, "size", VIPS_SIZE_DOWN, "export_profile", "srgb", NULL)
        != 0) return -1;
    *out = vips_image_copy_memory(lazy);
    g_object_unref(lazy);
    return *out == NULL ? -1 : 0;
}

// Makes the picture upright, with its own size and colours, in bytes of 8 bits.
static inline int picture_upright(VipsImage *in, VipsImage **out) {
    if (in->BandFmt == VIPS_FORMAT_UCHAR) return vips_autorot(in, out, NULL);
    VipsImage *narrow = NULL;
    VipsInterpretation colours = in->Bands < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;
    if (vips_colourspace(in, &narrow, colours, NULL) != 0) return -1;
    int result = vips_autorot(narrow, out, NULL);
    g_object_unref(narrow);
    return result;
}

// Puts the picture on white paper.
static inline int picture_flatten(VipsImage *in, VipsImage **out) {
    double white[] = {255, 255, 255};
    VipsArrayDouble *background = vips_array_double_new(white, in->Bands == 2 ? 1 : 3);
    int result = vips_flatten(in, out, "background", background, NULL);
    vips_area_unref(VIPS_AREA(background));
    return result;
}

// Writes a JPEG into memory that `g_free` frees; `is_bare` leaves out all metadata, with the colour profile.
static inline int picture_save(VipsImage *in, int quality, int is_bare, void **bytes, size_t *count) {
    return vips_jpegsave_buffer(in, bytes, count, "Q", quality, "optimize_coding", TRUE, "strip", is_bare, NULL);
}

// Limits the process: memory in bytes, the size of a file, the number of open files, and no dump of its memory.
static inline int picture_limit(rlim_t memory, rlim_t file, rlim_t files) {
    struct rlimit all[] = {{memory, memory}, {file, file}, {files, files}, {0, 0}};
    return setrlimit(RLIMIT_AS, &all[0]) | setrlimit(RLIMIT_FSIZE, &all[1]) | setrlimit(RLIMIT_NOFILE, &all[2])
        | setrlimit(RLIMIT_CORE, &all[3]);
}

// Ends the process if the next photo takes more seconds of the processor or of the clock; 0 for no photo.
static inline int picture_allow(unsigned int processor, unsigned int clock) {
    struct rusage used;
    struct rlimit limit;
    if (getrusage(RUSAGE_SELF, &used) != 0 || getrlimit(RLIMIT_CPU, &limit) != 0) return -1;
    limit.rlim_cur = processor == 0
        ? limit.rlim_max : (rlim_t) (used.ru_utime.tv_sec + used.ru_stime.tv_sec + 1) + processor;
    alarm(clock);
    return setrlimit(RLIMIT_CPU, &limit);
}
