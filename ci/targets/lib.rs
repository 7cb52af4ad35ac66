//! Nothing: the tests are what is built, and the standard library that they need.

#![no_std]
