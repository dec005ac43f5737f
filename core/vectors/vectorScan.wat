;; Dot products with rows of signed bytes.
;;
;; scan(query, rows, count, stride, out): of many rows, the query as bytes, too
;;   query   address of `stride` signed 16-bit numbers
;;   rows    address of `count` rows of `stride` signed bytes, one after the other
;;   stride  a multiple of 64
;;   out     address of `count` signed 32-bit results
;;
;; Bytes are widened to 16 bits and multiplied in pairs (i32x4.dot_i16x8_s). A product is at most 127 * 127, so that
;; 32 bits hold the sums of more than 100,000 dimensions.
;;
;; highest(numbers, count): of so many signed 32-bit numbers, which begin at this address; the lowest there is for none
;;
;; product(query, row, stride): of one row, the query as it is
;;   query   address of `stride` 64-bit floats
;;   row     address of `stride` signed bytes
(module
  (import "env" "memory" (memory 1 65536))
  (func (export "scan")
    (param $query i32) (param $row i32) (param $count i32) (param $stride i32) (param $out i32)
    (local $lastOut i32) (local $end i32) (local $q i32)
    (local $bytes v128) (local $low v128) (local $high v128)
    (local.set $lastOut (i32.add (local.get $out) (i32.shl (local.get $count) (i32.const 2))))
    (block $done
      (loop $rows
        (br_if $done (i32.ge_u (local.get $out) (local.get $lastOut)))
        (local.set $low (v128.const i32x4 0 0 0 0))
        (local.set $high (v128.const i32x4 0 0 0 0))
        (local.set $q (local.get $query))
        (local.set $end (i32.add (local.get $row) (local.get $stride)))
        (loop $lanes
          (local.set $bytes (v128.load (local.get $row)))
          (local.set $low (i32x4.add (local.get $low)
            (i32x4.dot_i16x8_s (i16x8.extend_low_i8x16_s (local.get $bytes)) (v128.load (local.get $q)))))
          (local.set $high (i32x4.add (local.get $high)
            (i32x4.dot_i16x8_s (i16x8.extend_high_i8x16_s (local.get $bytes)) (v128.load offset=16 (local.get $q)))))
          (local.set $bytes (v128.load offset=16 (local.get $row)))
          (local.set $low (i32x4.add (local.get $low)
            (i32x4.dot_i16x8_s (i16x8.extend_low_i8x16_s (local.get $bytes)) (v128.load offset=32 (local.get $q)))))
          (local.set $high (i32x4.add (local.get $high)
            (i32x4.dot_i16x8_s (i16x8.extend_high_i8x16_s (local.get $bytes)) (v128.load offset=48 (local.get $q)))))
          (local.set $bytes (v128.load offset=32 (local.get $row)))
          (local.set $low (i32x4.add (local.get $low)
            (i32x4.dot_i16x8_s (i16x8.extend_low_i8x16_s (local.get $bytes)) (v128.load offset=64 (local.get $q)))))
          (local.set $high (i32x4.add (local.get $high)
            (i32x4.dot_i16x8_s (i16x8.extend_high_i8x16_s (local.get $bytes)) (v128.load offset=80 (local.get $q)))))
          (local.set $bytes (v128.load offset=48 (local.get $row)))
          (local.set $low (i32x4.add (local.get $low)
            (i32x4.dot_i16x8_s (i16x8.extend_low_i8x16_s (local.get $bytes)) (v128.load offset=96 (local.get $q)))))
          (local.set $high (i32x4.add (local.get $high)
            (i32x4.dot_i16x8_s (i16x8.extend_high_i8x16_s (local.get $bytes)) (v128.load offset=112 (local.get $q)))))
          (local.set $row (i32.add (local.get $row) (i32.const 64)))
          (local.set $q (i32.add (local.get $q) (i32.const 128)))
          (br_if $lanes (i32.lt_u (local.get $row) (local.get $end))))
        (local.set $low (i32x4.add (local.get $low) (local.get $high)))
        (i32.store (local.get $out)
          (i32.add
            (i32.add (i32x4.extract_lane 0 (local.get $low)) (i32x4.extract_lane 1 (local.get $low)))
            (i32.add (i32x4.extract_lane 2 (local.get $low)) (i32x4.extract_lane 3 (local.get $low)))))
        (local.set $out (i32.add (local.get $out) (i32.const 4)))
        (br $rows))))

  (func (export "highest") (param $number i32) (param $count i32) (result i32)
    (local $end i32) (local $best i32) (local $each i32) (local $lanes v128)
    (local.set $best (i32.const 0x80000000))
    (local.set $lanes (i32x4.splat (local.get $best)))
    (local.set $end (i32.add (local.get $number) (i32.shl (i32.and (local.get $count) (i32.const -4)) (i32.const 2))))
    (block $done
      (loop $fours
        (br_if $done (i32.ge_u (local.get $number) (local.get $end)))
        (local.set $lanes (i32x4.max_s (local.get $lanes) (v128.load (local.get $number))))
        (local.set $number (i32.add (local.get $number) (i32.const 16)))
        (br $fours)))
    (local.set $lanes (i32x4.max_s (local.get $lanes)
      (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $lanes) (local.get $lanes))))
    (local.set $lanes (i32x4.max_s (local.get $lanes)
      (i8x16.shuffle 4 5 6 7 0 1 2 3 12 13 14 15 8 9 10 11 (local.get $lanes) (local.get $lanes))))
    (local.set $best (i32x4.extract_lane 0 (local.get $lanes)))
    (local.set $end (i32.add (local.get $end) (i32.shl (i32.and (local.get $count) (i32.const 3)) (i32.const 2))))
    (block $done
      (loop $ones
        (br_if $done (i32.ge_u (local.get $number) (local.get $end)))
        (local.set $each (i32.load (local.get $number)))
        (local.set $best (select (local.get $each) (local.get $best) (i32.gt_s (local.get $each) (local.get $best))))
        (local.set $number (i32.add (local.get $number) (i32.const 4)))
        (br $ones)))
    (local.get $best))

  (func (export "product") (param $query i32) (param $row i32) (param $stride i32) (result f64)
    (local $end i32) (local $eight v128) (local $four v128) (local $low v128) (local $high v128)
    (local.set $end (i32.add (local.get $row) (local.get $stride)))
    (loop $lanes
      (local.set $eight (v128.load8x8_s (local.get $row)))
      (local.set $four (i32x4.extend_low_i16x8_s (local.get $eight)))
      (local.set $low (f64x2.add (local.get $low)
        (f64x2.mul (f64x2.convert_low_i32x4_s (local.get $four)) (v128.load (local.get $query)))))
      (local.set $high (f64x2.add (local.get $high)
        (f64x2.mul
          (f64x2.convert_low_i32x4_s
            (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $four) (local.get $four)))
          (v128.load offset=16 (local.get $query)))))
      (local.set $four (i32x4.extend_high_i16x8_s (local.get $eight)))
      (local.set $low (f64x2.add (local.get $low)
        (f64x2.mul (f64x2.convert_low_i32x4_s (local.get $four)) (v128.load offset=32 (local.get $query)))))
      (local.set $high (f64x2.add (local.get $high)
        (f64x2.mul
          (f64x2.convert_low_i32x4_s
            (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $four) (local.get $four)))
          (v128.load offset=48 (local.get $query)))))
      (local.set $row (i32.add (local.get $row) (i32.const 8)))
      (local.set $query (i32.add (local.get $query) (i32.const 64)))
      (br_if $lanes (i32.lt_u (local.get $row) (local.get $end))))
    (f64.add
      (f64.add
        (f64.add (f64x2.extract_lane 0 (local.get $low)) (f64x2.extract_lane 1 (local.get $low)))
        (f64x2.extract_lane 0 (local.get $high)))
      (f64x2.extract_lane 1 (local.get $high)))))
